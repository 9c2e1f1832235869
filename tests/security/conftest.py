"""Logins as a DBA would make them: one for an app, one for a sidecar, one for nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

Connection = psycopg.Connection[Any]
Login = Callable[[str], str]


@dataclass(frozen=True)
class Logins:
    """The test's database as each login sees it."""

    app: str
    sidecar: str
    stranger: str


@pytest.fixture
def logins(database: str, connection: Connection) -> Iterator[Logins]:
    """Three roles that may log in: with `anime_reader`, with `jikan_sidecar`, with nothing."""
    dsns: dict[str, str] = {}
    roles: list[sql.Identifier] = []
    granted = {"app": "anime_reader", "sidecar": "jikan_sidecar", "stranger": None}
    for kind, group in granted.items():
        name = f"{connection.info.dbname}_{kind}"
        role = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'").format(role))
        roles.append(role)
        if group is not None:
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), role))
        dsns[kind] = make_conninfo(database, user=name, password="secret")
    yield Logins(**dsns)
    for role in roles:
        connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(role))
        connection.execute(sql.SQL("DROP ROLE {}").format(role))


def open_as(dsn: str) -> Connection:
    return psycopg.connect(dsn, autocommit=True)


@pytest.fixture
def app(logins: Logins) -> Iterator[Connection]:
    with open_as(logins.app) as connection:
        yield connection


@pytest.fixture
def sidecar(logins: Logins) -> Iterator[Connection]:
    with open_as(logins.sidecar) as connection:
        yield connection


@pytest.fixture
def stranger(logins: Logins) -> Iterator[Connection]:
    with open_as(logins.stranger) as connection:
        yield connection
