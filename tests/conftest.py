"""A real PostgreSQL for every test: a server a session, one deployed template, a clone a test.

The server is the embedded one, in a folder of its own that goes away at the end; with
PGJIKAN_TEST_DSN set (make test-full) it is the server named there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pytest_postgresql import factories
from pytest_postgresql.janitor import DatabaseJanitor

from pgjikan import migrations
from pgjikan.server import SUPERUSER, EmbeddedServer

ROOT = Path(__file__).resolve().parent.parent
NO_DURABILITY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "full: needs the server that `make test-full` provides")
    config.addinivalue_line("markers", "bare: needs a server without pg_cron, so not that one")


@dataclass(frozen=True)
class Server:
    """Where the tests' server listens, in the words of pytest-postgresql."""

    host: str
    port: int
    user: str
    password: str | None = None
    options: str = ""
    maintenance_dbname: str = "postgres"
    template_dbname: str | None = None

    def conninfo(self, dbname: str) -> str:
        return make_conninfo(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            dbname=dbname,
        )


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server all tests share."""
    given = os.environ.get("PGJIKAN_TEST_DSN")
    if given:
        parts = {"port": 5432, "user": SUPERUSER, "password": None} | conninfo_to_dict(given)
        yield Server(parts["host"], int(parts["port"]), parts["user"], parts["password"])
        return
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-tests-"))
    folder.chmod(0o755)  # as root the server runs under its own account
    try:
        with EmbeddedServer(folder / "data", options=NO_DURABILITY) as embedded:
            status = embedded.status()
            yield Server(str(status.socket_dir), status.port, SUPERUSER)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def deploy_project(*, autocommit: bool, **parts: Any) -> None:
    """Deploy the project into the template database."""
    migrations.deploy(make_conninfo(**parts), verify=False)


template = factories.postgresql_noproc(
    dbname=f"pgjikan_{os.getpid()}", load=[deploy_project], depends_on="server"
)


@pytest.fixture
def empty_database(server: Server) -> Iterator[str]:
    """The connection string of a fresh database with nothing in it."""
    yield from _fresh_database(server, None)


@pytest.fixture
def database(server: Server, template: Any) -> Iterator[str]:
    """The connection string of a fresh database with the project deployed."""
    yield from _fresh_database(server, template.template_dbname)


def _fresh_database(server: Server, template_dbname: str | None) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    with DatabaseJanitor(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        dbname=name,
        template_dbname=template_dbname,
    ):
        yield server.conninfo(name)


@pytest.fixture
def connect(database: str) -> Iterator[Callable[..., psycopg.Connection[Any]]]:
    """Open more connections to the test's database: `connect(role=None, autocommit=True, **kw)`.

    `role` is set with SET ROLE; `kw` goes to psycopg.connect. All are closed at the end.
    """
    connections: list[psycopg.Connection[Any]] = []

    def open_connection(
        role: str | None = None, autocommit: bool = True, **kwargs: Any
    ) -> psycopg.Connection[Any]:
        connection = psycopg.connect(database, autocommit=autocommit, **kwargs)
        connections.append(connection)
        if role is not None:
            connection.execute("SELECT pg_catalog.set_config('role', %s, false)", [role])
            if not autocommit:
                connection.commit()
        return connection

    yield open_connection
    for connection in connections:
        connection.close()


@pytest.fixture
def connection(connect: Callable[..., psycopg.Connection[Any]]) -> psycopg.Connection[Any]:
    """An autocommit connection to the test's database, as its owner and superuser."""
    return connect()


@pytest.fixture
def set_clock(
    connection: psycopg.Connection[Any],
) -> Callable[[datetime | str | None], None]:
    """Set the time that all rules read (None: the real time again)."""

    def set_it(instant: datetime | str | None) -> None:
        if instant is None:
            connection.execute("SELECT jikan_sync.clock_reset()")
        else:
            connection.execute("SELECT jikan_sync.clock_set(%s::timestamptz)", [instant])

    return set_it


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded upstream answers, beside the repository."""
    path = ROOT.parent / "shared"
    if not path.is_dir():
        pytest.skip(f"needs the recordings, a folder {path}")
    return path
