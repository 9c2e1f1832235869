"""Who may do what: asked of the catalogue for every role and object, and tried as real logins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest

import pgjikan
from tests.security.conftest import Connection

SCHEMAS = ["anime", "jikan", "jikan_sync", "sqitch"]
# What an app reads as a table, beside the functions, all of which it may call.
# What the views of the face reckon with, where they are inlined; no reader can name them.
INSIDE_VIEWS = {"jikan_sync.later", "jikan_sync.stale_at"}
FACE_VIEWS = {"anime.catalog", "anime.genre", "anime.studio", "anime.health"}
# What of the face is its owner's alone: who searched what is no app's business.
OWNERS_VIEWS = {"anime.search_gap"}
# For workers that others write: the verbs of the queue and of the limiter, beside ours.
FOR_OTHER_WORKERS = {
    "jikan_sync.claim",
    "jikan_sync.complete",
    "jikan_sync.complete_many",
    "jikan_sync.report_request",
    "jikan_sync.reserve_request",
}
# What a sidecar's login runs, `pgjikan sync` included; all else acts for the owner.
SIDECARS_MODULES = ("db.py", "embedding_queue.py", "metrics.py", "sync_run.py")

ROUTINES = """
SELECT n.nspname || '.' || p.proname, p.oid::regprocedure::text, p.prokind = 'p',
    ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) AS t)
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname = ANY (%s) AND p.prokind IN ('f', 'p')
ORDER BY 2
"""
RELATIONS = """
SELECT c.oid::regclass::text, c.relkind FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
ORDER BY 1
"""
# Every right that anyone but the owner holds on anything of ours.
GRANTS = """
WITH ours AS (SELECT n.* FROM pg_namespace AS n WHERE n.nspname = ANY (%s)),
object (kind, name, acl) AS (
    SELECT 'schema', o.nspname::text, o.nspacl FROM ours AS o
    UNION ALL
    SELECT 'relation', c.oid::regclass::text, c.relacl
    FROM pg_class AS c JOIN ours AS o ON o.oid = c.relnamespace
    UNION ALL
    SELECT 'column', format('%%s.%%s', a.attrelid::regclass, a.attname), a.attacl
    FROM pg_attribute AS a
    JOIN pg_class AS c ON c.oid = a.attrelid
    JOIN ours AS o ON o.oid = c.relnamespace
    UNION ALL
    SELECT 'routine', n.nspname || '.' || p.proname,
        coalesce(p.proacl, acldefault('f', p.proowner))
    FROM pg_proc AS p JOIN ours AS n ON n.oid = p.pronamespace
    UNION ALL
    SELECT 'type', n.nspname || '.' || t.typname, coalesce(t.typacl, acldefault('T', t.typowner))
    FROM pg_type AS t
    JOIN ours AS n ON n.oid = t.typnamespace
    LEFT JOIN pg_class AS c ON c.oid = t.typrelid
    -- Arrays go by their element, row types of tables give no way to the rows.
    WHERE t.typelem = 0 AND coalesce(c.relkind, 'c') = 'c'
)
SELECT DISTINCT coalesce(r.rolname, 'PUBLIC'), o.kind, o.name, a.privilege_type, a.is_grantable
FROM object AS o
CROSS JOIN aclexplode(o.acl) AS a
LEFT JOIN pg_roles AS r ON r.oid = a.grantee
WHERE a.grantee <> a.grantor AND r.rolname IS DISTINCT FROM 'jikan_owner'
"""

Row = tuple[Any, ...]


@cache
def called_by_the_sidecar() -> set[str]:
    """The functions that a sidecar's modules name."""
    package = Path(pgjikan.__path__[0])
    files = [package / name for name in SIDECARS_MODULES]
    found: set[str] = set()
    for file in files:
        found |= set(re.findall(r"\bjikan_sync\.[a-z_]+(?=\()", file.read_text()))
    assert len(found) > 10
    return found


def test_nobody_holds_more_than_this(connection: Connection) -> None:
    """The matrix from its one side: each grant that there is, is one that was meant."""
    grants = set(connection.execute(GRANTS, [SCHEMAS]).fetchall())
    routines = {row[0] for row in connection.execute(ROUTINES, [["anime"]])}
    views = {row[0] for row in connection.execute(RELATIONS, [["anime"]])}
    assert views == FACE_VIEWS | OWNERS_VIEWS
    rows = {row[2] for row in grants if row[1] == "type"}
    assert all(name.startswith("anime.") for name in rows)
    meant = (
        {("anime_reader", "schema", "anime", "USAGE", False)}
        | {("anime_reader", "routine", name, "EXECUTE", False) for name in routines | INSIDE_VIEWS}
        | {("anime_reader", "relation", name, "SELECT", False) for name in FACE_VIEWS}
        | {("anime_reader", "type", name, "USAGE", False) for name in rows}
        | {("jikan_sidecar", "schema", "jikan_sync", "USAGE", False)}
    )
    sidecars = {row for row in grants if row[:2] == ("jikan_sidecar", "routine")}
    assert grants - sidecars == meant
    assert {row[3:] for row in sidecars} == {("EXECUTE", False)}


def test_the_sidecar_may_call_what_it_calls(connection: Connection) -> None:
    """A grant that is missing stops it; one that nobody uses is there for somebody else."""
    exist = {row[0] for row in connection.execute(ROUTINES, [["jikan_sync"]])}
    granted = {
        row[2]
        for row in connection.execute(GRANTS, [SCHEMAS])
        if row[:2] == ("jikan_sidecar", "routine")
    }
    needed = called_by_the_sidecar() & exist
    assert needed - granted == set()
    assert granted - needed == FOR_OTHER_WORKERS


def nothing(name: str, is_procedure: bool, types: list[str]) -> str:
    if is_procedure:
        return f"CALL {name}({', '.join(f'NULL::{kind}' for kind in types)})"
    # No plain NULLs: a strict function of those is answered without a call, so without a check.
    return f"SELECT {name}({', '.join(f'(SELECT NULL::{kind})' for kind in types)})"


def attempts(connection: Connection) -> Iterator[tuple[str, str]]:
    """Every object with what could be done to it, as statements that a right would let through."""
    for name, _, is_procedure, types in connection.execute(ROUTINES, [SCHEMAS]).fetchall():
        yield name, nothing(name, is_procedure, types)
    for name, kind in connection.execute(RELATIONS, [SCHEMAS]).fetchall():
        if kind == "S":
            yield name, f"SELECT nextval('{name}')"
            yield name, f"SELECT setval('{name}', 1)"
            continue
        yield name, f"SELECT * FROM {name} LIMIT 0"
        yield name, f"SELECT count(*) FROM {name} WHERE false"
        yield f"{name} (write)", f"INSERT INTO {name} DEFAULT VALUES"
        yield f"{name} (write)", f"DELETE FROM {name} WHERE false"
        yield f"{name} (write)", f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE NOWAIT"
        if kind != "v":
            yield f"{name} (write)", f"TRUNCATE {name}"
            yield f"{name} (write)", f"CREATE INDEX ON {name} ((1))"
            yield f"{name} (write)", f"DROP TABLE {name}"
    for schema in SCHEMAS:
        yield f"{schema} (write)", f"CREATE TABLE {schema}.mine ()"
        yield (
            f"{schema} (write)",
            f"CREATE FUNCTION {schema}.mine() RETURNS integer LANGUAGE sql RETURN 1",
        )
        yield f"{schema} (write)", f"DROP SCHEMA {schema} CASCADE"


def refused(who: Connection, statement: str) -> bool:
    try:
        with who.transaction(force_rollback=True):
            who.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return True
    except psycopg.Error as error:
        return "cannot insert into view" in str(error) or "cannot delete from view" in str(error)
    return False


def is_open_to_nobody(name: str) -> bool:
    return False


def is_open_to_app(name: str) -> bool:
    return name.startswith("anime.") and not name.endswith("(write)") and name not in OWNERS_VIEWS


def is_open_to_sidecar(name: str) -> bool:
    return name in called_by_the_sidecar() | FOR_OTHER_WORKERS


@pytest.mark.parametrize(
    ("login", "is_open"),
    [
        ("stranger", is_open_to_nobody),
        ("app", is_open_to_app),
        ("sidecar", is_open_to_sidecar),
    ],
)
def test_every_door_was_tried(
    login: str,
    is_open: Callable[[str], bool],
    connection: Connection,
    request: pytest.FixtureRequest,
) -> None:
    who: Connection = request.getfixturevalue(login)
    tried = list(attempts(connection))
    assert len(tried) > 400
    wrong = [
        ("is shut" if is_open(name) else "is open", statement)
        for name, statement in tried
        if refused(who, statement) is is_open(name)
    ]
    assert wrong == []


FORBIDDEN = {
    "become the owner": "SET ROLE jikan_owner",
    "become the other": "SET ROLE {other}",
    "make roles": "CREATE ROLE mine",
    "grant itself more": "GRANT jikan_owner TO CURRENT_USER",
    "make schemas": "CREATE SCHEMA mine",
    "make tables in public": "CREATE TABLE public.mine ()",
    "make functions in public": "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql RETURN 1",
    "make extensions": "CREATE EXTENSION file_fdw",
    "read files": "SELECT pg_read_file('PG_VERSION')",
    "run programs": "COPY (SELECT 1) TO PROGRAM 'true'",
    "turn triggers off": "SET session_replication_role = replica",
    "silence the log": "SET log_statement = 'none'",
    "move the clock": "SELECT jikan_sync.clock_set(now())",
    "change a setting": "UPDATE jikan_sync.setting SET value = '1'",
    "change a default privilege": (
        "ALTER DEFAULT PRIVILEGES FOR ROLE jikan_owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC"
    ),
}


@pytest.mark.parametrize(
    ("login", "other"), [("app", "jikan_sidecar"), ("sidecar", "anime_reader")]
)
def test_no_way_up(login: str, other: str, request: pytest.FixtureRequest) -> None:
    who: Connection = request.getfixturevalue(login)
    open_ways = [
        what
        for what, statement in FORBIDDEN.items()
        if not refused(who, statement.format(other=other))
    ]
    assert open_ways == []


MADE_LATER = """
SET ROLE jikan_owner;
CREATE TABLE {schema}.later (id bigint GENERATED ALWAYS AS IDENTITY);
CREATE VIEW {schema}.later_view AS SELECT 1 AS one;
CREATE FUNCTION {schema}.later_function() RETURNS integer LANGUAGE sql RETURN 1;
CREATE PROCEDURE {schema}.later_procedure() LANGUAGE sql BEGIN ATOMIC SELECT 1; END;
CREATE TYPE {schema}.later_type AS (one integer);
CREATE DOMAIN {schema}.later_domain AS integer;
RESET ROLE;
"""


def test_what_the_owner_makes_later_is_open_to_nobody(
    connection: Connection, app: Connection, sidecar: Connection, stranger: Connection
) -> None:
    before = set(connection.execute(GRANTS, [SCHEMAS]).fetchall())
    for schema in ("anime", "jikan", "jikan_sync"):
        connection.execute(MADE_LATER.format(schema=schema).encode())
        for who in (app, sidecar, stranger):
            for statement in (
                f"SELECT * FROM {schema}.later",
                f"SELECT nextval('{schema}.later_id_seq')",
                f"SELECT * FROM {schema}.later_view",
                f"SELECT {schema}.later_function()",
                f"CALL {schema}.later_procedure()",
                f"CREATE TEMPORARY TABLE mine (a {schema}.later_domain)",
            ):
                assert refused(who, statement), statement
    assert set(connection.execute(GRANTS, [SCHEMAS]).fetchall()) == before
