"""The way to the database: how every connection of pgjikan begins.

What a connection needs is set after it is open and not at its start, because poolers refuse
startup options; and never in a session that a pooler lends, because others get it next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from psycopg.rows import AsyncRowFactory, RowFactory, tuple_row
from psycopg.types.json import Jsonb

from pgjikan.errors import PgjikanError
from pgjikan.settings import with_application_name

Connection = psycopg.Connection[Any]
Connect = Callable[[], Connection]

#: A pooler answers a new client by itself, so the process it names is not the one that works.
_WHO_WORKS = "SELECT pg_catalog.pg_backend_pid()"

#: What the user named in the DSN's `options` or in PGOPTIONS stays.
_SET = """
    SELECT pg_catalog.set_config(s.name, %(settings)s ->> s.name, false)
    FROM pg_catalog.pg_settings AS s
    WHERE %(settings)s ? s.name AND s.source <> 'client'
"""


def connect(
    dsn: str,
    name: str,
    *,
    settings: Mapping[str, str] | None = None,
    row_factory: RowFactory[Any] = tuple_row,
    **parameters: str,
) -> Connection:
    """An autocommit connection named `name`, with `settings` in its session.

    Through a pooler, which lends sessions, nothing is set and nothing is prepared; limits of time
    are then those of the login. `parameters` are libpq's.
    """
    conninfo = with_application_name(dsn, name, **parameters)
    connection = psycopg.connect(conninfo, autocommit=True, row_factory=row_factory)
    try:
        with connection.cursor(row_factory=tuple_row) as cursor:
            if cursor.execute(_WHO_WORKS).fetchone() != (connection.info.backend_pid,):
                connection.prepare_threshold = None
            elif settings:
                cursor.execute(_SET, {"settings": Jsonb(dict(settings))})
    except BaseException:
        connection.close()
        raise
    return connection


async def connect_async(
    dsn: str, name: str, *, settings: Mapping[str, str], row_factory: AsyncRowFactory[Any]
) -> psycopg.AsyncConnection[Any]:
    """The same for who waits for many at once."""
    connection = await psycopg.AsyncConnection.connect(
        with_application_name(dsn, name), autocommit=True, row_factory=row_factory
    )
    try:
        await set_up(connection, settings)
    except BaseException:
        await connection.close()
        raise
    return connection


async def set_up(connection: psycopg.AsyncConnection[Any], settings: Mapping[str, str]) -> None:
    """Give an open connection its settings; to one of a pooler, which lends sessions, none."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_WHO_WORKS)
        if await cursor.fetchone() != (connection.info.backend_pid,):
            connection.prepare_threshold = None
        else:
            await cursor.execute(_SET, {"settings": Jsonb(dict(settings))})


_IS_APPS = """
    SELECT current_user, coalesce(array_agg(r.rolname::text) = '{anime_reader}', false)
    FROM pg_catalog.pg_roles AS r
    WHERE r.rolname IN ('anime_reader', 'jikan_sidecar', 'jikan_owner')
    AND pg_catalog.pg_has_role(r.oid, 'USAGE')
"""


def refusal_of_app(connection: psycopg.Connection[Any]) -> PgjikanError | None:
    """What to say where an app's login was refused what it may not; None: the login is another."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_IS_APPS).fetchone()
    assert row is not None  # an aggregate answers one row
    login, is_apps = row
    if not is_apps:
        return None
    return PgjikanError(
        f"{login} is an app's login, for the schema anime; this command wants the one that deploys",
        hint="The login is that of --dsn, else of DATABASE_URL or PGUSER. `pgjikan up` prints the "
        "one that deploys as `connect`; a sidecar's own is a member of jikan_sidecar.",
    )


def is_lent(connection: Connection, connect: Connect) -> bool:
    """Whether `connection` gets another session of the server for each transaction.

    Then it can neither LISTEN nor hold a lock. While another connection of `connect` is inside a
    transaction, a pooler either has lent it the session that was ours, or has to find us one anew.
    """
    mine = _worker_of(connection)
    if mine == connection.info.backend_pid:
        return False
    other = connect()
    try:
        with other.transaction():
            return _worker_of(other) == mine or _worker_of(connection) != mine
    finally:
        other.close()


def _worker_of(connection: Connection) -> int:
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_WHO_WORKS).fetchone()
    assert row is not None  # a function call answers one row
    return int(row[0])
