"""docker-compose.yml and what it names, as far as that can be tried without an engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
import yaml
from compose_spec import PyOptions

from pgjikan import metrics, postgres_install
from pgjikan.cli import app
from pgjikan.server import EmbeddedServer

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "host=127.0.0.1 port=9 dbname=nothing connect_timeout=2"
#: A variable that the caller sets, `${NAME:-default}` or `${NAME:?what to do}`.
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::([-?])((?:[^{}]|\$\{\w+\})*))?\}")


PASSWORDS = {"POSTGRES_PASSWORD": "the superuser's", "SIDECAR_PASSWORD": "the sidecar's"}
#: A release by number; `latest` and a bare major version are whatever was pushed last.
RELEASE = re.compile(r"[\w./-]+:v?\d+\.\d+[\w.-]*")


def interpolate(text: str, given: dict[str, str]) -> str:
    """What compose makes of the variables in its file."""

    def value(match: re.Match[str]) -> str:
        name, kind, word = match.groups()
        if given.get(name):
            return given[name]
        assert kind != "?", f"{name}: {word}"
        return interpolate(word, given) if kind else ""

    return VARIABLE.sub(value, text)


@pytest.fixture(scope="module")
def text() -> str:
    return interpolate((ROOT / "docker-compose.yml").read_text(encoding="utf-8"), PASSWORDS)


@pytest.fixture(scope="module")
def services(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text)["services"]
    return found


def test_it_keeps_to_the_compose_specification(text: str) -> None:
    project = PyOptions(apply_merge=True).from_yaml(text)
    project.validate()
    assert {"db", "migrate", "sidecar"} < set(project.service_names())


@pytest.mark.parametrize("missing", PASSWORDS)
def test_it_needs_passwords_and_says_so(missing: str) -> None:
    given = {name: word for name, word in PASSWORDS.items() if name != missing}
    with pytest.raises(AssertionError, match=f"set {missing}"):
        interpolate((ROOT / "docker-compose.yml").read_text(encoding="utf-8"), given)


def test_only_who_migrates_and_the_server_know_the_superusers_password(
    services: dict[str, Any],
) -> None:
    knowing = {
        name
        for name, service in services.items()
        if PASSWORDS["POSTGRES_PASSWORD"] in (service.get("environment") or {}).values()
    }
    assert knowing == {"db", "migrate"}


def images(services: dict[str, Any]) -> dict[str, str]:
    """The image of each service: its own, or what its Dockerfile begins with."""
    found = {}
    for name, service in services.items():
        if build := service.get("build"):
            dockerfile = (ROOT / build["context"] / build["dockerfile"]).read_text(encoding="utf-8")
            (found[name],) = re.findall(r"^FROM (\S+)", dockerfile, re.M)
        else:
            found[name] = service["image"]
    return found


def test_images_are_pinned(services: dict[str, Any]) -> None:
    floating = {
        name: image for name, image in images(services).items() if not RELEASE.fullmatch(image)
    }
    # Which releases there are we could not look up; without a choice the pull says what to set.
    tag = floating.pop("jikan-rest")
    assert tag == "jikanme/jikan-rest:set-JIKAN_REST_TAG-to-a-release"
    assert floating == {}


def test_the_server_has_memory_to_share_and_time_to_start(services: dict[str, Any]) -> None:
    assert services["db"]["shm_size"] == "256mb"
    check = services["db"]["healthcheck"]
    assert check["start_period"] == "5m"
    assert "--host=127.0.0.1" in check["test"], "the socket answers while initdb still runs"


def test_the_server_reads_no_checkout(services: dict[str, Any]) -> None:
    """What runs beside the data is in its image; only data and configuration are mounted."""
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source, _, mode = [*volume.split(":"), ""][:3]
            if source[0] == ".":
                assert (ROOT / source).is_file() and mode == "ro", (name, volume)
    assert services["db"]["volumes"] == ["data:/var/lib/postgresql/data"]
    dockerfile = (ROOT / services["db"]["build"]["dockerfile"]).read_text(encoding="utf-8")
    for source, _ in re.findall(r"^COPY (\S+) (\S+)$", dockerfile, re.M):
        assert (ROOT / source).exists(), source


def test_the_servers_python_finds_the_client_that_the_image_has(
    services: dict[str, Any], tmp_path: Path
) -> None:
    """What its Dockerfile copies is enough for what anime.fetch_now imports."""
    dockerfile = (ROOT / services["db"]["build"]["dockerfile"]).read_text(encoding="utf-8")
    (path,) = re.findall(r"^ENV PYTHONPATH=(\S+)$", dockerfile, re.M)
    for source, target in re.findall(r"^COPY (\S+) (\S+)$", dockerfile, re.M):
        if target.startswith(path):
            place = tmp_path / target.lstrip("/")
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place)
            else:
                place.mkdir(parents=True)
                shutil.copy(ROOT / source, place)
    done = subprocess.run(
        [sys.executable, "-c", "import pgjikan.client as c; print(c.__file__)"],
        env=os.environ | {"PYTHONPATH": str(tmp_path / path.lstrip("/"))},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(tmp_path))


def test_what_it_names_is_there(services: dict[str, Any], text: str) -> None:
    named = yaml.safe_load(text)
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source, target = volume.split(":")[:2]
            assert target.startswith("/"), name
            assert (ROOT / source).exists() if source[0] == "." else source in named["volumes"]
        for network in service.get("networks", []):
            assert network in named["networks"]
        if build := service.get("build"):
            assert (ROOT / build["context"] / build["dockerfile"]).is_file()
        for other, wish in service.get("depends_on", {}).items():
            healthy = wish["condition"] == "service_healthy"
            assert not healthy or "healthcheck" in services[other], (name, other)
            assert set(services[other].get("profiles", [])) <= set(service.get("profiles", []))


def test_profiles_are_what_the_documents_say(services: dict[str, Any]) -> None:
    profiles: dict[str, set[str]] = {}
    for name, service in services.items():
        for profile in service.get("profiles", ["default"]):
            profiles.setdefault(profile, set()).add(name)
    assert profiles == {
        "default": {"db", "migrate", "sidecar"},
        "monitoring": {"prometheus", "grafana"},
        "gateway": {"gateway"},
        "self-hosted-jikan": {"jikan-rest", "mongodb", "redis", "typesense"},
    }


def test_nothing_is_published_beyond_this_machine(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 4
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
    assert not any("network_mode" in service for service in services.values())


def test_our_containers_can_write_nothing_and_are_not_root(services: dict[str, Any]) -> None:
    for name in ("migrate", "sidecar"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
    dockerfile = (ROOT / services["sidecar"]["build"]["dockerfile"]).read_text(encoding="utf-8")
    assert re.findall(r"^USER (\d+):\d+$", dockerfile, re.M)[-1] != "0"


def test_their_commands_are_commands_of_ours(services: dict[str, Any]) -> None:
    for name in ("migrate", "sidecar"):
        word, *options = services[name]["command"]
        command = typer.main.get_command(app).commands[word]  # type: ignore[attr-defined]
        context = command.make_context(word, list(options))
        assert name != "sidecar" or context.params["metrics_host"] == "0.0.0.0"


def test_the_health_check_of_the_sidecar_tells_ready_from_not(
    services: dict[str, Any], database: str
) -> None:
    service = services["sidecar"]
    port = service["command"][service["command"].index("--metrics-port") + 1]
    kind, python, *words = service["healthcheck"]["test"]
    assert (kind, python) == ("CMD", "python") and f":{port}/readyz" in words[-1]
    assert service["expose"] == [port] and "ports" not in service
    for dsn, expected in ((database, 0), (NOWHERE, 1)):
        server = metrics.serve("127.0.0.1", 0, dsn)
        try:
            check = [word.replace(f":{port}/", f":{server.server_port}/") for word in words]
            done = subprocess.run([sys.executable, *check], capture_output=True, timeout=30)
        finally:
            server.shutdown()
            server.server_close()
        assert done.returncode == expected, done.stderr


@pytest.fixture
def new_server() -> Iterator[EmbeddedServer]:
    """A server of its own: roles and logins are the whole server's."""
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-tests-"))
    folder.chmod(0o755)  # as root the server runs under its own account
    try:
        with EmbeddedServer(folder / "data", options={"fsync": "off"}) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def first_start(server: EmbeddedServer, passwords: dict[str, str]) -> str:
    """Run the script of the first start; what it complained of."""
    script = (ROOT / "docker/db/first-start.sql").read_text(encoding="utf-8")
    cron = "CREATE EXTENSION pg_cron;"  # tried by tests/full; this server has none
    assert cron in script and "pg_cron" in (ROOT / "docker/db/Dockerfile").read_text()
    done = subprocess.run(
        [
            *(postgres_install.wheel_binaries() / "psql", "--no-psqlrc", "--quiet"),
            *("--set", "ON_ERROR_STOP=1", "--dbname", server.dsn()),
        ],
        input=script.replace(cron, ""),
        env=os.environ | passwords,
        text=True,
        capture_output=True,
    )
    assert (done.returncode != 0) == bool(done.stderr)
    return done.stderr


def test_the_first_start_makes_the_sidecars_login(
    new_server: EmbeddedServer, services: dict[str, Any]
) -> None:
    same = dict.fromkeys(PASSWORDS, "one for both")
    assert "SIDECAR_PASSWORD is POSTGRES_PASSWORD" in first_start(new_server, same)
    assert first_start(new_server, PASSWORDS | {"SIDECAR_PASSWORD": "it's a \\secret"}) == ""
    with psycopg.connect(new_server.dsn()) as connection:
        row = connection.execute(
            "SELECT r.rolcanlogin, r.rolsuper, pg_has_role(r.rolname, 'jikan_sidecar', 'USAGE'),"
            " a.rolpassword LIKE 'SCRAM-SHA-256%%' FROM pg_roles AS r"
            " JOIN pg_authid AS a USING (rolname) WHERE r.rolname = %s",
            [services["sidecar"]["environment"]["PGUSER"]],
        ).fetchone()
    assert row == (True, False, True, True)
