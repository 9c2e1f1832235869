"""plpgsql_check reads what sqlfluff cannot: the bodies of PL/pgSQL functions."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from pgjikan import migrations

pytestmark = pytest.mark.full

# A trigger function is checked once for each table that it serves.
FINDINGS = """
SELECT p.oid::regprocedure::text, f.*
FROM pg_proc AS p
JOIN pg_language AS l ON l.oid = p.prolang
LEFT JOIN pg_trigger AS t ON t.tgfoid = p.oid
CROSS JOIN LATERAL plpgsql_check_function_tb(
    p.oid,
    coalesce(t.tgrelid, 0),
    fatal_errors => false,
    performance_warnings => true,
    security_warnings => true,
    -- A function for triggers with and without a transition table looks at TG_LEVEL first.
    newtable => (SELECT max(o.tgnewtable) FROM pg_trigger AS o WHERE o.tgfoid = p.oid),
    oldtable => (SELECT max(o.tgoldtable) FROM pg_trigger AS o WHERE o.tgfoid = p.oid)
) AS f
WHERE
    l.lanname = 'plpgsql'
    -- A constant or a variable of another type, cast without being told to: no fault.
    AND (f.sqlstate <> '42804' OR f.level = 'error')
    AND coalesce(f.detail, '') NOT LIKE 'attention: cannot to determine volatility%%'
    -- Dynamic where pg_cron's tables may be missing.
    AND f.message <> 'immutable expression without parameters found'
    -- A COMMIT that is meant to be refused tells whether there is a transaction block.
    AND (p.proname = 'search_live' AND f.sqlstate = '2D000') IS NOT true
    -- Its second look needs a snapshot of its own.
    AND (p.proname = 'search_status' AND f.message LIKE '%%should be STABLE') IS NOT true
    -- Two rows out of one function: that is what it is for.
    AND (p.proname = 'v4_find_title' AND f.message LIKE 'composite OUT variable%%') IS NOT true
    -- The handlers are rows of jikan_sync.v4_route, and all answer the same type.
    AND (p.proname = 'v4_answer' AND f.message LIKE 'cannot determinate a result%%') IS NOT true
    -- The commands of jobs are the owner's own.
    AND (p.proname LIKE 'run_job%%' AND f.query = 'v_job.command') IS NOT true
    AND p.pronamespace::regnamespace::text = ANY (%s)
    AND (p.prorettype <> 'trigger'::regtype OR t.oid IS NOT NULL)
"""


def test_nothing_is_found(cron: psycopg.Connection[Any]) -> None:
    conninfo = f"{cron.info.dsn} password={cron.info.password}"
    migrations.deploy(conninfo, verify=False)  # here, as some functions know pg_cron's tables
    try:
        cron.execute("CREATE EXTENSION plpgsql_check")
        rows = cron.execute(FINDINGS, [["anime", "jikan", "jikan_sync"]]).fetchall()
        assert rows == [], "\n".join(map(str, rows))
    finally:
        cron.execute("DROP EXTENSION plpgsql_check")
        migrations.revert(conninfo)


def test_it_finds(connection: psycopg.Connection[Any]) -> None:
    connection.execute("CREATE EXTENSION plpgsql_check")
    connection.execute(
        "CREATE FUNCTION public.wrong() RETURNS integer LANGUAGE plpgsql"
        " AS 'BEGIN RETURN (SELECT missing FROM public.nowhere); END'"
    )
    rows = connection.execute(FINDINGS, [["public"]]).fetchall()
    assert "nowhere" in str(rows)
