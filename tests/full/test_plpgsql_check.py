"""plpgsql_check reads what sqlfluff cannot: the bodies of PL/pgSQL functions."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

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
    newtable => t.tgnewtable,
    oldtable => t.tgoldtable
) AS f
WHERE
    l.lanname = 'plpgsql'
    AND p.pronamespace::regnamespace::text = ANY (%s)
    AND (p.prorettype <> 'trigger'::regtype OR t.oid IS NOT NULL)
"""


def test_nothing_is_found(connection: psycopg.Connection[Any]) -> None:
    connection.execute("CREATE EXTENSION plpgsql_check")
    rows = connection.execute(FINDINGS, [["anime", "jikan", "jikan_sync"]]).fetchall()
    assert rows == []


def test_it_finds(connection: psycopg.Connection[Any]) -> None:
    connection.execute("CREATE EXTENSION plpgsql_check")
    connection.execute(
        "CREATE FUNCTION public.wrong() RETURNS integer LANGUAGE plpgsql"
        " AS 'BEGIN RETURN (SELECT missing FROM public.nowhere); END'"
    )
    rows = connection.execute(FINDINGS, [["public"]]).fetchall()
    assert "nowhere" in str(rows)
