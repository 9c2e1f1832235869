#!/usr/bin/env python3
"""Make docs/reference/functions.md and internals.md from the comments in a deployed database.

python3 tools/make_reference.py DSN
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

FOLDER = Path(__file__).resolve().parent.parent / "docs/reference"

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
    SELECT
        c.oid,
        c.relname,
        c.relkind,
        coalesce(obj_description(c.oid, 'pg_class'), obj_description(c.reltype, 'pg_type'))
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
MADE = "Made by `tools/make_reference.py` from the `COMMENT ON` of every object; do not edit.\n"
FUNCTIONS_HEAD = f"""\
# The app's functions

What apps call and read: the schema `anime`. A login with `anime_reader` may use all that says so,
and nothing else. What the machinery is made of is in [internals](internals.md).

{MADE}"""
INTERNALS_HEAD = f"""\
# Internals

What operators, sidecars and contributors meet. Apps need none of it: theirs are
[the app's functions](functions.md).

{MADE}"""
ABOUT = {
    "jikan_sync": "The machinery: what operators and sidecars call.",
    "jikan": "The mirror: tables behind the face; read them as the owner, do not write them.",
}


def pages(connection: psycopg.Connection[Any]) -> dict[Path, str]:
    """Each page and where it goes."""
    return {
        FOLDER / "functions.md": _page(FUNCTIONS_HEAD, _face(connection)),
        FOLDER / "internals.md": _page(INTERNALS_HEAD, _internals(connection)),
    }


def _page(head: str, body: Iterator[str]) -> str:
    return "\n".join([head, *body]).rstrip() + "\n"


def _face(connection: psycopg.Connection[Any]) -> Iterator[str]:
    yield from _functions(connection, "anime", "##")
    yield from _relations(connection, "anime", "Views", ["v"], "##")
    yield from _relations(connection, "anime", "Row types", ["c"], "##")


def _internals(connection: psycopg.Connection[Any]) -> Iterator[str]:
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
    for schema, about in ABOUT.items():
        yield f"## Schema `{schema}`\n\n{about}\n"
        yield from _functions(connection, schema, "###")
        yield from _relations(connection, schema, "Views", ["v"], "###")
        yield from _relations(connection, schema, "Tables", ["r", "p"], "###")
        yield from _relations(connection, schema, "Row types", ["c"], "###")


def _functions(connection: psycopg.Connection[Any], schema: str, level: str) -> Iterator[str]:
    rows = connection.execute(FUNCTIONS, [schema]).fetchall()
    if rows:
        yield f"{level} Functions\n"
    for name, signature, result, comment, grantees in rows:
        answers = f"\n→ {_wrapped(result)}" if result else ""
        granted = f" Granted to {', '.join(f'`{role}`' for role in grantees)}." if grantees else ""
        yield f"{level}# {name}\n"
        yield f"```text\n{_wrapped(signature)}{answers}\n```\n\n{comment}{granted}\n"


def _relations(
    connection: psycopg.Connection[Any], schema: str, heading: str, kinds: list[str], level: str
) -> Iterator[str]:
    rows = connection.execute(RELATIONS, [schema, kinds]).fetchall()
    if rows:
        yield f"{level} {heading}\n"
    for oid, name, _, comment in rows:
        yield f"{level}# {schema}.{name}\n\n{comment}\n"
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
    """Write the pages."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with psycopg.connect(sys.argv[1]) as connection:
        for path, text in pages(connection).items():
            path.write_text(text, encoding="utf-8")
            print(f"{path.name}: written")


if __name__ == "__main__":
    main()
