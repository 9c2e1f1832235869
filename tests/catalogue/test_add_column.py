"""A later release adds columns; what was made before goes on as it was."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.reliability.conftest import fill

Connection = psycopg.Connection[Any]

TABLES = """
SELECT n.nspname, c.relname
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('jikan', 'jikan_sync') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY 1, 2
"""
ROUTINES = """
SELECT p.proname, p.prokind = 'p', p.proargnames[1:p.pronargs - p.pronargdefaults]
FROM pg_proc AS p
WHERE p.pronamespace = 'anime'::regnamespace AND p.prokind IN ('f', 'p')
ORDER BY 1
"""
#: What the face's functions are asked, by the name of the argument.
ARGUMENTS = {
    "mal_id": 1,
    "query": "Cowboy Bebop",
    "prefix": "Cowb",
    "liked": [1, 2],
    "year": 2020,
    "season": "spring",
    "said": "Cowboy &amp; Bebop",
    "facet": "images",
    "scores": Jsonb({"1": 9, "2": 3}),
    "path": "/anime/1/full",
}
#: Where a name means something else.
OTHERWISE = {("v4", "query"): Jsonb({}), ("v4_cached", "query"): Jsonb({})}


@pytest.fixture
def extended(connection: Connection) -> Connection:
    """A deployed database in which every table then got a column more."""
    tables = connection.execute(TABLES).fetchall()
    assert len(tables) > 30
    for name in tables:
        connection.execute(
            sql.SQL("ALTER TABLE {} ADD COLUMN added_later integer NOT NULL DEFAULT 0").format(
                sql.Identifier(*name)
            )
        )
    return connection


def test_everything_goes_on_with_a_column_more(extended: Connection) -> None:
    fill(extended)
    for table in ("anime", "review", "picture", "embedding"):
        row = extended.execute(f"SELECT count(*) FROM jikan.{table}".encode()).fetchone()
        assert row is not None and row[0] > 0, table
    extended.execute("SELECT jikan_sync.redrive()")
    failures = []
    routines = extended.execute(ROUTINES).fetchall()
    assert len(routines) > 10
    for name, is_procedure, required in routines:
        arguments = {
            argument: OTHERWISE.get((name, argument), ARGUMENTS[argument])
            for argument in required or ()
        }
        call = sql.SQL("{} {}({})").format(
            sql.SQL("CALL" if is_procedure else "SELECT r.* FROM"),
            sql.Identifier("anime", name),
            sql.SQL(", ").join(
                sql.SQL("{} => {}").format(sql.Identifier(argument), value)
                for argument, value in arguments.items()
            ),
        )
        try:
            extended.execute(call + sql.SQL("" if is_procedure else " AS r")).fetchall()
        except psycopg.errors.FeatureNotSupported:
            assert name == "fetch_now"  # for want of plpython3u
        except psycopg.Error as error:
            failures.append(f"anime.{name}: {error}")
    for (job,) in extended.execute("SELECT name FROM jikan_sync.job").fetchall():
        extended.execute("SELECT jikan_sync.run_job(%s)", [job])
    failures += [
        f"job {name}: {error}"
        for name, error in extended.execute(
            "SELECT name, last_error FROM jikan_sync.status_job WHERE last_error IS NOT NULL"
        )
    ]
    for view in extended.execute(
        "SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.relkind = 'v'"
        " AND c.relnamespace IN ('anime'::regnamespace, 'jikan_sync'::regnamespace)"
    ).fetchall():
        extended.execute(f"SELECT count(*) FROM {view[0]}".encode())
    assert failures == []
