"""The connection that sqitch's registry is read or written over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from pgjikan.connection import is_lent, refusal_of_app
from pgjikan.errors import PgjikanError, from_database
from pgjikan.migrations.plan import Plan
from pgjikan.migrations.registry import SEARCH_PATH, Registry
from pgjikan.settings import with_application_name


@contextmanager
def read_registry(conninfo: str, plan: Plan) -> Iterator[Registry]:
    """The registry as it is at one moment, over any connection."""
    with _connected(conninfo, plan) as connection, connection.transaction():
        connection.execute(SEARCH_PATH, [plan.project.registry, True])
        yield Registry(connection, plan.project, plan.name)


@contextmanager
def open_registry(conninfo: str, plan: Plan) -> Iterator[Registry]:
    """A session on the registry; it must live as long as the longest script, and then some."""
    with _connected(conninfo, plan) as connection:
        if is_lent(connection, lambda: psycopg.connect(conninfo, autocommit=True)):
            raise PgjikanError(
                "this address is a pooler's, which lends a session for one transaction; "
                "a deployment needs one for itself",
                hint="name the server's own address: --dsn or DATABASE_URL",
            )
        connection.execute(SEARCH_PATH, [plan.project.registry, False])
        # The session is idle while a script runs on another one; no server may take that amiss.
        for timeout in (
            "statement_timeout",
            "idle_in_transaction_session_timeout",
            "idle_session_timeout",
            "transaction_timeout",
        ):
            connection.execute("SELECT set_config(%s, '0', false)", [timeout])
        yield Registry(connection, plan.project, plan.name)


@contextmanager
def _connected(conninfo: str, plan: Plan) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    try:
        connection = psycopg.connect(
            with_application_name(conninfo, "pgjikan deploy"),
            autocommit=True,
            row_factory=dict_row,
            client_encoding="utf8",
            prepare_threshold=None,
        )
    except psycopg.OperationalError as error:
        raise from_database(error) from error
    with closing(connection):
        try:
            yield connection
        except psycopg.errors.InsufficientPrivilege as error:  # a script's is a ScriptError
            connection.rollback()
            raise (
                refusal_of_app(connection) or _refusal(connection, plan.project.registry, error)
            ) from error


def _refusal(
    connection: psycopg.Connection[dict[str, Any]], schema: str, error: psycopg.Error
) -> PgjikanError:
    """Why the registry cannot be used, and the way out."""
    row = connection.execute(
        "SELECT current_user AS login, current_database() AS database, (SELECT"
        " pg_get_userbyid(n.nspowner) FROM pg_namespace AS n WHERE n.nspname = %s) AS owner",
        [schema],
    ).fetchone()
    assert row is not None
    said, login = error.diag.message_primary, row["login"]
    if row["owner"] is None:
        return PgjikanError(
            f"{login} may not make the registry, schema {schema}: {said}",
            hint=f"GRANT CREATE ON DATABASE {row['database']} TO {login};",
        )
    return PgjikanError(
        f"the registry, schema {schema}, belongs to {row['owner']}, and {login} may not use it: "
        f"{said}",
        hint=f"GRANT {row['owner']} TO {login}; or keep a registry of your own: --registry NAME "
        "or PGJIKAN_REGISTRY, each time",
    )
