#!/usr/bin/env python3
"""Make docs/sql-reference.md from the comments in a deployed database.

python3 tools/make_reference.py DSN
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

TARGET = Path(__file__).resolve().parent.parent / "docs/sql-reference.md"

FUNCTIONS = """
    SELECT
        p.proname,
        CASE p.prokind WHEN 'p' THEN 'CALL ' ELSE '' END
            || format('%%s.%%s(%%s)', n.nspname, p.proname, pg_get_function_arguments(p.oid)),
        pg_get_function_result(p.oid),
        obj_description(p.oid, 'pg_proc'),
        array(
            SELECT a.grantee::regrole::text FROM aclexplode(p.proacl) AS a
            WHERE a.grantee <> p.proowner ORDER BY 1
        )
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname = %s AND p.prorettype <> 'trigger'::regtype
    ORDER BY p.proname, 2
"""
RELATIONS = """
    SELECT c.oid, c.relname, c.relkind, obj_description(c.oid, 'pg_class')
    FROM pg_class AS c
    WHERE c.relnamespace = %s::regnamespace AND c.relkind = ANY (%s) AND NOT c.relispartition
    ORDER BY c.relname
"""
COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), col_description(a.attrelid, a.attnum)
    FROM pg_attribute AS a
    WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
"""
HEAD = """\
# SQL reference

Made by `tools/make_reference.py` from the `COMMENT ON` of every object; do not edit. Apps need the
schema `anime` and nothing else.
"""
ABOUT = {
    "anime": "The face: what apps call.",
    "jikan_sync": "The machinery: what operators and sidecars call.",
    "jikan": "The mirror: tables behind the face; read them as the owner, do not write them.",
}


def reference(connection: psycopg.Connection[Any]) -> str:
    """The whole page."""
    return "\n".join([HEAD, *_body(connection)]).rstrip() + "\n"


def _body(connection: psycopg.Connection[Any]) -> Iterator[str]:
    for schema, about in ABOUT.items():
        yield f"## Schema `{schema}`\n\n{about}\n"
        yield from _functions(connection, schema)
        yield from _relations(connection, schema, "Views", ["v"])
        yield from _relations(connection, schema, "Tables", ["r", "p"])
        yield from _relations(connection, schema, "Row types", ["c"])
    yield "## Settings\n\n`UPDATE jikan_sync.setting SET value = … WHERE name = …`, at once.\n"
    yield from _table(
        connection,
        ("name", "default", "what it does"),
        "SELECT format('`%s`', name), format('`%s`', value), description FROM jikan_sync.setting "
        "ORDER BY name",
    )
    yield "## Jobs\n\nTimes are UTC; of a weekly job from Monday midnight.\n"
    yield from _table(
        connection,
        ("name", "every", "at", "what it does"),
        "SELECT format('`%s`', name), period::text, at::text, description FROM jikan_sync.job "
        "ORDER BY name",
    )
    yield "## Freshness policies\n"
    yield from _table(
        connection,
        ("facet", "status", "older is stale"),
        "SELECT facet, coalesce(status, 'any other'), max_age::text "
        "FROM jikan_sync.freshness_policy ORDER BY facet, status NULLS LAST",
    )


def _functions(connection: psycopg.Connection[Any], schema: str) -> Iterator[str]:
    yield "### Functions\n" if schema != "jikan" else ""
    for name, signature, result, comment, grantees in connection.execute(FUNCTIONS, [schema]):
        answers = f"\n→ {_wrapped(result)}" if result else ""
        granted = f" Granted to {', '.join(f'`{role}`' for role in grantees)}." if grantees else ""
        yield f"#### {name}\n\n```text\n{_wrapped(signature)}{answers}\n```\n\n{comment}{granted}\n"


def _relations(
    connection: psycopg.Connection[Any], schema: str, heading: str, kinds: list[str]
) -> Iterator[str]:
    rows = connection.execute(RELATIONS, [schema, kinds]).fetchall()
    if rows:
        yield f"### {heading}\n"
    for oid, name, _, comment in rows:
        yield f"#### {schema}.{name}\n\n{comment}\n"
        columns = connection.execute(COLUMNS, [oid]).fetchall()
        if any(description for _, _, description in columns):
            yield "| column | type | |\n|---|---|---|"
            yield "".join(f"| `{c}` | {t} | {_cell(d)} |\n" for c, t, d in columns)
        else:
            yield ", ".join(f"`{c}` {t}" for c, t, _ in columns) + "\n"


def _table(
    connection: psycopg.Connection[Any], heads: tuple[str, ...], query: Any
) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}"
    yield "".join(
        f"| {' | '.join(map(_cell, row))} |\n" for row in connection.execute(query).fetchall()
    )


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def _wrapped(signature: str) -> str:
    if len(signature) <= 98:
        return signature
    head, _, arguments = signature.partition("(")
    return head + "(\n    " + arguments[:-1].replace(", ", ",\n    ") + "\n)"


def main() -> None:
    """Write the page."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with psycopg.connect(sys.argv[1]) as connection:
        TARGET.write_text(reference(connection), encoding="utf-8")
    print(f"{TARGET.name}: written")


if __name__ == "__main__":
    main()
