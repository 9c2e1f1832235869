"""Deploying without a superuser, and what a sidecar with secrets leaves behind on such a server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgjikan import migrations, sidecar
from pgjikan.server import EmbeddedServer
from pgjikan.settings import Settings
from tests.conftest import NO_DURABILITY, Simulate
from tests.embedders.gemini_server import GeminiServer
from tests.reliability.test_backup import TABLES
from tests.reliability.test_standby import wait_until
from tests.security.test_privileges import SCHEMAS
from tests.store.documents import full
from tests.store.test_store_anime import value

LOG_ALL = {
    "log_statement": "all",
    "log_parameter_max_length": "-1",
    "log_min_error_statement": "log",
}


@dataclass(frozen=True)
class Place:
    server: EmbeddedServer
    root: str
    deployer: str

    def dsn(self, user: str) -> str:
        return make_conninfo(self.root, user=user)


@pytest.fixture
def place(folder: Path) -> Iterator[Place]:
    """A server of its own, as roles belong to a whole server; a role that may deploy."""
    server = EmbeddedServer(folder / "data", options=NO_DURABILITY | LOG_ALL)
    with server:
        with psycopg.connect(server.dsn(), autocommit=True) as dba:
            for extension in ("vector", "pg_trgm"):
                dba.execute(f"CREATE EXTENSION {extension}".encode())
            dba.execute("CREATE ROLE deployer LOGIN CREATEROLE")
            dba.execute("GRANT CREATE ON DATABASE pgjikan TO deployer")
        yield Place(server, server.dsn(), make_conninfo(server.dsn(), user="deployer"))


def test_no_superuser_and_no_secret(place: Place, gemini: GeminiServer, simulate: Simulate) -> None:
    """One server, one deploy: they take longer than what is asked of them."""
    assert migrations.deploy(place.deployer) > 100
    with psycopg.connect(place.deployer, autocommit=True) as deployer:
        deployer.execute("CREATE ROLE app LOGIN; GRANT anime_reader TO app")
        deployer.execute("CREATE ROLE worker LOGIN; GRANT jikan_sidecar TO worker")
        superusers = "SELECT count(*) FROM pg_roles WHERE rolsuper AND rolname <> 'postgres'"
        assert value(deployer, superusers) == 0
        fetches_for_an_app(place, deployer, simulate)
        keeps_secrets(place, deployer, gemini, simulate)
    migrations.verify(place.deployer)
    assert migrations.revert(place.deployer) > 100
    assert migrations.deploy(place.deployer) > 100


def film(mal_id: int, title: str) -> dict[str, Any]:
    return full(mal_id, title=title, relations=[], synopsis=f"The film {title}.")


def fetches_for_an_app(
    place: Place, deployer: psycopg.Connection[tuple[object, ...]], simulate: Simulate
) -> None:
    with simulate([film(7, "Paprika"), film(8, "Perfect Blue")]) as upstream:
        point_at(deployer, upstream.url)
        with psycopg.connect(place.dsn("app"), autocommit=True) as app:
            app.execute("SELECT anime.search('paprika'), anime.search('perfect blue')")
            assert sidecar.run_once(["jikan"], place.dsn("worker"), Settings(), Event()) >= 2
            app.execute("SELECT anime.get(7), anime.get(8)")
            sidecar.run_once(["jikan", "embedding"], place.dsn("worker"), Settings(), Event())
            assert value(app, "SELECT title FROM anime.search('paprika')") == "Paprika"
            assert value(app, "SELECT title FROM anime.similar(7)") == "Perfect Blue"


def point_at(connection: psycopg.Connection[tuple[object, ...]], url: str) -> None:
    connection.execute(
        "UPDATE jikan_sync.provider SET base_url = %s, per_second = NULL, per_minute = NULL"
        " WHERE enabled",
        [url],
    )


KEYS = {"tenrai": "tenrai-SECRET-0123456789"}
GEMINI = "AIza-SECRET-9876543210"


@pytest.fixture
def gemini() -> Iterator[GeminiServer]:
    server = GeminiServer()
    yield server
    server.close()


def keeps_secrets(
    place: Place,
    deployer: psycopg.Connection[tuple[object, ...]],
    gemini: GeminiServer,
    simulate: Simulate,
) -> None:
    """A sidecar with both keys, upstreams that echo and refuse them: they are with the upstreams
    and nowhere else."""
    model = value(
        deployer, "SELECT jikan_sync.add_embedding_model('google', 'gemini-embedding-001', 768)"
    )
    deployer.execute("SELECT jikan_sync.switch_embedding_model(%s, is_forced => true)", [model])
    gemini.echo_key = True
    environment = os.environ | {
        "PGJIKAN_SERVER_KEYS": json.dumps(KEYS),
        "GEMINI_API_KEY": GEMINI,
        "PGJIKAN_GOOGLE_BASE_URL": gemini.url,
        "PGJIKAN_POLL_SECONDS": "0.2",
    }
    with simulate([full(number) for number in range(20, 24)]) as upstream:
        point_at(deployer, upstream.url)
        upstream.fault("403", next=1)
        upstream.fault("500", next=1)
        gemini.fault = "bad key"
        deployer.execute(
            "SELECT jikan_sync.enqueue(t, n, priority => 'high')"
            " FROM (VALUES ('anime', 20), ('anime', 21), ('anime', 22), ('embed', 7)) AS v (t, n)"
        )
        command = [sys.executable, "-c", "from pgjikan.cli import main; main()", "sidecar"]
        with subprocess.Popen(
            [*command, "--verbose", "--dsn", place.dsn("worker")],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                wait_until(lambda: upstream.stats()["by_kind"].get("full", 0) >= 3)
                wait_until(lambda: gemini.received)
                seen = Path(f"/proc/{process.pid}/cmdline").read_text()
                seen += everything(deployer)
            finally:
                process.send_signal(signal.SIGTERM)
                said = process.communicate(timeout=30)[0]
        requests = upstream.stats()["requests"]
    assert any(GEMINI in json.dumps(received.headers) for received in gemini.received)
    assert "bad_key" in said or "unauthorised" in said
    assert len(requests) >= 3
    seen += said + everything(deployer) + place.server.log.read_text()
    for secret in (*KEYS.values(), GEMINI):
        assert secret not in seen
        assert secret not in repr(Settings.model_validate({"server_keys": KEYS}))


def everything(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    """All rows of all tables, and what every session runs."""
    text = str(connection.execute("SELECT a::text FROM pg_stat_activity AS a").fetchall())
    for (name,) in connection.execute(TABLES, [SCHEMAS]).fetchall():
        text += str(connection.execute(f"SELECT t::text FROM {name} AS t".encode()).fetchall())
    return text
