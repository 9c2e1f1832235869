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
    return interpolate(
        (ROOT / "docker-compose.yml").read_text(encoding="utf-8"), {"POSTGRES_PASSWORD": "secret"}
    )


@pytest.fixture(scope="module")
def services(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text)["services"]
    return found


def test_it_keeps_to_the_compose_specification(text: str) -> None:
    project = PyOptions(apply_merge=True).from_yaml(text)
    project.validate()
    assert {"db", "migrate", "sidecar"} < set(project.service_names())


def test_it_needs_a_password_and_says_so() -> None:
    with pytest.raises(AssertionError, match="set POSTGRES_PASSWORD"):
        interpolate((ROOT / "docker-compose.yml").read_text(encoding="utf-8"), {})


def test_what_it_names_is_there(services: dict[str, Any], text: str) -> None:
    named = yaml.safe_load(text)
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source, target = volume.split(":")[:2]
            assert target.startswith("/"), name
            assert (ROOT / source).exists() if source[0] == "." else source in named["volumes"]
        for network in service.get("networks", []):
            assert network in named["networks"]
        build = service.get("build")
        if isinstance(build, str):
            assert (ROOT / build / "Dockerfile").is_file()
        elif build is not None:
            assert (ROOT / build["context"] / build["dockerfile"]).is_file()
        else:
            assert ":" in service["image"], f"{name} floats"
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
        "self-hosted-jikan": {"jikan-rest", "mongodb", "redis", "typesense"},
    }


def test_nothing_is_published_beyond_this_machine(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 3
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


def test_the_first_start_makes_the_sidecars_login(
    new_server: EmbeddedServer, services: dict[str, Any]
) -> None:
    script = (ROOT / "docker/db/first-start.sql").read_text(encoding="utf-8")
    cron = "CREATE EXTENSION pg_cron;"  # tried by tests/full; this server has none
    assert cron in script and "pg_cron" in (ROOT / "docker/db/Dockerfile").read_text()
    password = "it's a \\secret"
    subprocess.run(
        [
            *(postgres_install.wheel_binaries() / "psql", "--no-psqlrc", "--quiet"),
            *("--set", "ON_ERROR_STOP=1", "--dbname", new_server.dsn()),
        ],
        input=script.replace(cron, ""),
        env=os.environ | {"SIDECAR_PASSWORD": password},
        text=True,
        check=True,
    )
    with psycopg.connect(new_server.dsn()) as connection:
        row = connection.execute(
            "SELECT r.rolcanlogin, r.rolsuper, pg_has_role(r.rolname, 'jikan_sidecar', 'USAGE'),"
            " a.rolpassword LIKE 'SCRAM-SHA-256%%' FROM pg_roles AS r"
            " JOIN pg_authid AS a USING (rolname) WHERE r.rolname = %s",
            [services["sidecar"]["environment"]["PGUSER"]],
        ).fetchone()
    assert row == (True, False, True, True)
