"""A real PostgreSQL for every test: a server a session, one deployed template, a clone a test.

The server is the embedded one, in a folder of its own that goes away at the end; with
PGJIKAN_TEST_DSN set (make test-full) it is the server named there.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
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
from pgjikan.simulator import Simulator
from tests.simulator.titles import fill

Simulate = Callable[..., AbstractContextManager[Simulator]]

ROOT = Path(__file__).resolve().parent.parent
NO_DURABILITY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
#: The server's time zone, and the isolation of who reads: no answer and no age may depend on either
#: (make test-elsewhere).
ELSEWHERE = {"timezone": os.environ.get("PGJIKAN_TEST_TIMEZONE", "UTC")}
READERS = os.environ.get("PGJIKAN_TEST_READERS", "read committed")
PREPARED = {"max_prepared_transactions": "5"}  # some apps commit in two phases


#: What is not about the server: `make test` runs it, `make test-full` need not again.
ONCE = {
    *("chaos", "client", "command", "compose", "dashboard", "deploy", "docs", "embedders"),
    *("examples", "failover", "release", "server", "simulator", "soak"),
}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "full: needs the server that `make test-full` provides")
    config.addinivalue_line("markers", "bare: needs a server without pg_cron, so not that one")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background children inherit that
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "once: not about the server, so not on that one again")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(ROOT / "tests").parts[0]
        if folder in ONCE and item.get_closest_marker("full") is None:
            item.add_marker(pytest.mark.once)


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
        with EmbeddedServer(
            folder / "data", options=NO_DURABILITY | PREPARED | ELSEWHERE
        ) as embedded:
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
    with fresh_database(server, None) as dsn:
        yield dsn


@pytest.fixture
def database(server: Server, template: Any) -> Iterator[str]:
    """The connection string of a fresh database with the project deployed."""
    with fresh_database(server, template.template_dbname) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def simulated(server: Server, template: Any) -> Iterator[str]:
    """A database with the titles of tests/simulator, to be read by any number of simulators."""
    with fresh_database(server, template.template_dbname) as dsn:
        fill(dsn)
        yield dsn


@pytest.fixture(scope="session")
def simulate(server: Server, template: Any, simulated: str) -> Simulate:
    """Start a simulator: `with simulate(documents=None, limits=(), seed=0, port=0) as jikan:`.

    With documents it knows these, in a database of its own; without them it reads `simulated`.
    """

    @contextmanager
    def start(
        documents: Iterable[Mapping[str, Any]] | None = None, **options: Any
    ) -> Iterator[Simulator]:
        with ExitStack() as stack:
            dsn = simulated
            if documents is not None:
                dsn = stack.enter_context(fresh_database(server, template.template_dbname))
            with Simulator(documents or (), dsn=dsn, **options) as simulator:
                yield simulator

    return start


@contextmanager
def fresh_database(server: Server, template_dbname: str | None) -> Iterator[str]:
    """A copy of a template, gone at the end; its connection string."""
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
            if role == "anime_reader":
                isolate = "SELECT pg_catalog.set_config('default_transaction_isolation', %s, false)"
                connection.execute(isolate, [READERS])
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
