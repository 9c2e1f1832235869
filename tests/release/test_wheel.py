"""The wheel and the sdist, built and tried as a stranger gets them: outside the checkout."""

from __future__ import annotations

import email
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from pgjikan import __version__
from pgjikan.simulator import Simulator
from tests.conftest import ROOT

pytestmark = [pytest.mark.full, pytest.mark.timeout(500)]


def build(source: Path, target: Path, *kinds: str) -> None:
    words = [word for kind in kinds for word in ("-t", kind)]
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", *words, "-d", str(target)],
        cwd=source,
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="module")
def built() -> Iterator[Path]:
    """A folder with the sdist and, from that alone, the wheel."""
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-built-"))
    build(ROOT, folder, "sdist")
    [packed] = folder.glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        archive.extractall(folder / "source", filter="data")
    [source] = (folder / "source").iterdir()
    build(source, folder, "wheel")
    yield folder
    shutil.rmtree(folder)


def test_a_wheel_from_the_sdist_is_the_checkouts(built: Path, tmp_path: Path) -> None:
    build(ROOT, tmp_path, "wheel")
    [ours], [theirs] = tmp_path.glob("*.whl"), built.glob("*.whl")
    with zipfile.ZipFile(ours) as one, zipfile.ZipFile(theirs) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())
        names = set(one.namelist())
    assert {"pgjikan/_project/sqitch.plan", "pgjikan/starter.jsonl.gz", "pgjikan/py.typed"} <= names
    assert not [name for name in names if name.startswith(("tests/", "bench/", "tools/"))]
    assert ours.stat().st_size < 1_200_000


def test_an_index_can_show_it(built: Path) -> None:
    [wheel] = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        facts = email.message_from_bytes(archive.read(name))
    page = str(facts.get_payload())
    assert facts["Version"] == __version__
    assert facts["License-Expression"] == "PostgreSQL"
    assert len(facts.get_all("Project-URL", [])) >= 4
    assert len(facts.get_all("Classifier", [])) >= 8
    targets = re.findall(r"\]\(([^)#\s]+)", page)
    assert len(targets) > 20
    assert [target for target in targets if "://" not in target] == []
    assert "mermaid" not in page
    assert page.index("pip install 'pgjikan[embedded,local]'") < page.index("make up")


@contextmanager
def running(command: list[str | Path], until: str, **options: object) -> Iterator[dict[str, str]]:
    """What a process said up to a line; Ctrl-C ends it, and it must end well."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload]
    said: dict[str, str] = {}
    try:
        for line in process.stdout:
            key, _, value = line.strip().partition(": ")
            said[key] = value.strip()
            if key == until:
                break
        assert until in said, said
        yield said
    finally:
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=60)[0]
    assert process.returncode == 0, rest


def test_the_first_page_of_the_readme_outside_the_checkout(built: Path) -> None:
    [wheel] = built.glob("*.whl")
    home = Path(tempfile.mkdtemp(prefix="pgjikan-stranger-"))
    home.chmod(0o755)
    try:
        venv.create(home / "venv", with_pip=True)
        pip = [home / "venv/bin/pip", "install", "--quiet", "--disable-pip-version-check"]
        pip += ["--constraint", ROOT / "constraints.txt"]
        subprocess.run([*pip, f"pgjikan[embedded,local] @ {wheel.as_uri()}"], check=True)
        pgjikan = home / "venv/bin/pgjikan"
        with Simulator() as upstream:
            kept = ("PATH", "LANG", "LD_LIBRARY_PATH")
            environment = {name: os.environ[name] for name in kept if name in os.environ}
            environment |= {"HOME": str(home), "PGJIKAN_JIKAN_URL": upstream.url}

            def say(*words: str, dsn: str = "") -> str:
                done = subprocess.run(
                    [pgjikan, *words],
                    cwd=home,
                    env=environment | ({"DATABASE_URL": dsn} if dsn else {}),
                    capture_output=True,
                    text=True,
                    timeout=60,
                )
                assert done.returncode == 0, done.stderr
                return done.stdout

            assert say("--version").strip() == __version__
            up = [pgjikan, "up", "--api-port", "0", "--data-dir", home / "data"]
            with running(up, "try", cwd=home, env=environment) as said:
                dsn = said["app"].removeprefix("DATABASE_URL='").removesuffix("'")
                assert "Hagane no Renkinjutsushi" in say("search", "fullmetal alchemst", dsn=dsn)
                answer = requests.get(f"{said['api']}/anime", {"q": "naruto"}, timeout=30).json()
                assert answer["data"][0]["title"] == "NARUTO"
                serve = [pgjikan, "serve", "--port", "0", "--dsn", dsn]
                with running(serve, "gateway", cwd=home, env=environment) as served:
                    found = requests.get(
                        f"{served['gateway'].split()[0]}/anime/1", timeout=30
                    ).json()
                    assert found["data"]["title"] == "Cowboy Bebop"
            assert (
                "not running"
                in subprocess.run(
                    [pgjikan, "server", "status", "--data-dir", home / "data"],
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=False,
                ).stdout
            )
    finally:
        shutil.rmtree(home)
