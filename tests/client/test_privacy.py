"""What the client tells, and whom: its own name, a key to whom it belongs, nothing else."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from requests.auth import _basic_auth_str

import pgjikan
from pgjikan.client import JikanClient
from tests.client.conftest import Serve
from tests.conftest import Simulate

KEY = "s3cret-server-key"


def test_the_key_goes_out_in_its_header_and_nowhere_else(client: JikanClient, serve: Serve) -> None:
    body = f'{{"status":400,"message":"bad key {KEY}"}}'.encode()
    url = serve(400, body)
    got = client.fetch("/anime", base_url=url, key_header="X-Server-Key", key=KEY)
    assert serve.seen[0]["X-Server-Key"] == KEY
    assert "bad key ***" in got.message
    client.fetch("/anime", base_url=url)
    assert "X-Server-Key" not in serve.seen[1]
    assert KEY not in repr(got) + repr(client) + repr(vars(client))


@pytest.mark.parametrize("key", [f"{KEY}\r\nX-Evil: 1", f" {KEY}", f"{KEY}\N{SNOWMAN}"])
def test_a_key_that_no_header_can_carry_is_not_shown(
    client: JikanClient, serve: Serve, key: str
) -> None:
    url = serve(200, b'{"data":[]}')
    got = client.fetch("/anime", base_url=url, key_header="X-Server-Key", key=key)
    assert got.outcome == "transport_error"
    assert KEY not in repr(got)
    assert not serve.seen


def test_a_body_is_not_in_the_repr(client: JikanClient, serve: Serve) -> None:
    got = client.fetch("/anime", base_url=serve(200, b'{"data":["private"]}'))
    assert got.body == '{"data":["private"]}'
    assert "private" not in repr(got)


def test_a_redirect_is_not_followed(client: JikanClient, simulate: Simulate) -> None:
    with simulate() as simulator:
        simulator.fault("redirect")
        got = client.fetch("/anime/1", base_url=simulator.url, key_header="X-Server-Key", key=KEY)
        assert (got.outcome, got.status) == ("upstream_error", 302)
        assert simulator.stats()["redirects_followed"] == 0


def test_headers_of_its_own(
    client: JikanClient, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hidden\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    url = serve(200, b'{"data":[]}', Set_Cookie="track=1")
    for _ in range(2):
        client.fetch("/anime", {"q": "ä&b"}, base_url=url)
    sent = serve.seen[1]
    assert sent["User-Agent"] == f"pgjikan/{pgjikan.__version__} (+tests@example.org)"
    assert "Authorization" not in sent
    assert "Cookie" not in sent


def test_a_password_in_the_base_url_goes_out_as_basic_auth_and_nowhere_else(
    client: JikanClient, serve: Serve
) -> None:
    url = serve(500, b"{}").replace("//", f"//me:{KEY}%21@")
    got = client.fetch("/anime", {"q": "x"}, base_url=url)
    assert serve.seen[0]["Authorization"] == _basic_auth_str("me", f"{KEY}!")
    assert KEY not in repr(got) + repr(vars(client))
    unused = client.fetch("/anime", base_url=f"http://me:{KEY}@127.0.0.1:9")
    broken = client.fetch("/anime", base_url=f"http://me:{KEY}@[::1")
    assert unused.outcome == broken.outcome == "transport_error"
    assert KEY not in repr(unused) + repr(broken)


@pytest.mark.parametrize("contact", ["two\nlines", "\N{SNOWMAN}"])
def test_a_contact_that_no_header_can_carry_is_refused(contact: str) -> None:
    with pytest.raises(ValueError, match="contact"):
        JikanClient(contact=contact)


def test_the_client_stands_alone(tmp_path: Path) -> None:
    """plpython3u imports it on servers that have requests, but nothing else that pgjikan needs."""
    package = Path(pgjikan.__path__[0])
    roots = set()
    for file in (package / "client").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                roots |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                roots.add(str(node.module))
    foreign = {name for name in roots if name.split(".")[0] not in sys.stdlib_module_names}
    assert {name.split(".")[0] for name in foreign} == {"requests", "urllib3", "pgjikan"}
    shutil.copytree(package / "client", tmp_path / "pgjikan/client")
    shutil.copy(package / "__init__.py", tmp_path / "pgjikan")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import pgjikan.client as c; "
        "print(c.__file__.startswith(sys.argv[1]), c.JikanClient().fetch('/x').outcome)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True transport_error\n"
