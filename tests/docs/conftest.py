"""A database as a reader of the documentation has it: the starter catalogue, embedded."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from importlib.resources import as_file, files
from threading import Event
from typing import Any

import psycopg
import pytest
from pytest_postgresql.janitor import DatabaseJanitor

from pgjikan import loader, sidecar
from pgjikan.settings import Settings
from tests.conftest import Server


@pytest.fixture(scope="session")
def starter_template(server: Server, template: Any) -> Iterator[str]:
    """The name of a database with the starter catalogue and all its vectors."""
    name = f"starter_{uuid.uuid4().hex[:8]}"
    with _database(server, name, template.template_dbname):
        dsn = server.conninfo(name)
        with as_file(files("pgjikan").joinpath("starter.jsonl.gz")) as starter:
            loader.load(
                dsn, starter, fetched_at=datetime.now().astimezone(), progress=lambda _: None
            )
        sidecar.run_once(["embedding"], dsn, Settings(_env_file=None), Event())
        with psycopg.connect(dsn, autocommit=True) as connection:
            # Else the documents would show half an answer, or what a job has not come to yet.
            row = connection.execute("SELECT embedding_coverage FROM anime.health").fetchone()
            assert row == (1.0,), row
            connection.execute("SELECT jikan_sync.count_traits()")
            connection.execute("SELECT jikan_sync.refresh_neighbours()")
        yield name


@pytest.fixture
def starter_database(server: Server, starter_template: str) -> Iterator[str]:
    """The connection string of a copy; roles that are made while it is used go with it."""
    name = f"docs_{uuid.uuid4().hex[:8]}"
    with (
        _database(server, name, starter_template),
        psycopg.connect(server.conninfo(name), autocommit=True) as connection,
    ):
        query = "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'"
        before = set(connection.execute(query))
        yield server.conninfo(name)
        for (role,) in set(connection.execute(query)) - before:
            connection.execute(f'DROP OWNED BY "{role}"; DROP ROLE "{role}"'.encode())


def _database(server: Server, name: str, template: str | None) -> DatabaseJanitor:
    return DatabaseJanitor(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        dbname=name,
        template_dbname=template,
    )
