"""pg_dump of a live database, restored into a fresh one: the same catalogue, the same rows, and a
system that goes on where it stood."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Event

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgjikan import db, migrations, postgres_install
from pgjikan.jikan_lane import JikanLane
from pgjikan.settings import Settings
from tests.conftest import Simulate
from tests.reliability.conftest import Connection, embed, fill
from tests.security.test_definer import QUESTIONS, answer
from tests.security.test_privileges import GRANTS, SCHEMAS
from tests.store.documents import anime, full
from tests.store.test_store_anime import store, value

OBJECTS = {
    "columns": """
        SELECT a.attrelid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod),
            a.attnotnull, a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid),
            col_description(a.attrelid, a.attnum)
        FROM pg_attribute AS a
        JOIN pg_class AS c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace::regnamespace::text = ANY (%s) AND a.attnum > 0
            AND NOT a.attisdropped AND c.relkind <> 'i'
    """,
    "relations": """
        SELECT c.oid::regclass::text, c.relkind, c.relowner::regrole::text, c.reloptions,
            obj_description(c.oid), pg_get_expr(c.relpartbound, c.oid),
            CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
            CASE WHEN c.relkind = 'i' THEN pg_get_indexdef(c.oid) END
        FROM pg_class AS c WHERE c.relnamespace::regnamespace::text = ANY (%s)
    """,
    "functions": """
        SELECT p.oid::regprocedure::text, p.proowner::regrole::text, pg_get_functiondef(p.oid),
            obj_description(p.oid)
        FROM pg_proc AS p
        WHERE p.pronamespace::regnamespace::text = ANY (%s) AND p.prokind <> 'a'
    """,
    "constraints": """
        SELECT c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid), c.convalidated
        FROM pg_constraint AS c WHERE c.connamespace::regnamespace::text = ANY (%s)
    """,
    "triggers": """
        SELECT pg_get_triggerdef(t.oid), t.tgenabled
        FROM pg_trigger AS t
        JOIN pg_class AS c ON c.oid = t.tgrelid
        WHERE c.relnamespace::regnamespace::text = ANY (%s) AND NOT t.tgisinternal
    """,
    "types": """
        SELECT t.oid::regtype::text, t.typtype, t.typowner::regrole::text, obj_description(t.oid)
        FROM pg_type AS t WHERE t.typnamespace::regnamespace::text = ANY (%s) AND t.typelem = 0
    """,
    "grants": GRANTS,
    "default privileges": """
        SELECT defaclrole::regrole::text, defaclobjtype, defaclacl::text
        FROM pg_default_acl WHERE %s::text[] IS NOT NULL
    """,
    "sequences": """
        SELECT schemaname, sequencename, last_value FROM pg_sequences WHERE schemaname = ANY (%s)
    """,
}
TABLES = """
SELECT c.oid::regclass::text FROM pg_class AS c
WHERE c.relnamespace::regnamespace::text = ANY (%s) AND c.relkind = 'r' ORDER BY 1
"""


def snapshot(connection: Connection) -> dict[str, list[str]]:
    """All that a database of ours is made of, and a line for every row."""
    found = {
        # PostgreSQL words a parsed body anew each time: other brackets, names for every column.
        kind: sorted(
            re.sub(r' AS "?\w+"?|[()]', "", str(row))
            for row in connection.execute(query, [SCHEMAS]).fetchall()
        )
        for kind, query in OBJECTS.items()
    }
    for (name,) in connection.execute(TABLES, [SCHEMAS]).fetchall():
        rows = connection.execute(f"SELECT t::text FROM {name} AS t".encode()).fetchall()
        found[name] = sorted(row[0] for row in rows)
    return found


def run(program: str, *words: str, dsn: str) -> None:
    password = conninfo_to_dict(dsn).get("password")
    result = subprocess.run(
        [postgres_install.wheel_binaries() / program, "--dbname", dsn, *words],
        env=os.environ | ({"PGPASSWORD": str(password)} if password else {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_a_dump_of_a_live_database_is_the_database(
    database: str,
    empty_database: str,
    connection: Connection,
    connect: Callable[..., Connection],
    tmp_path: Path,
    simulate: Simulate,
) -> None:
    fill(connection)
    with connect(autocommit=False) as writer:  # someone is at work; the dump waits for nobody
        writer.execute("UPDATE jikan.anime SET members = 1")
        before = snapshot(connection)
        for name in ("jikan.anime", "jikan_sync.queue", "jikan_sync.job_run"):
            assert before[name]
        file = str(tmp_path / "live.dump")
        run("pg_dump", "--format=custom", "--file", file, dsn=database)
        writer.rollback()
    run("pg_restore", "--exit-on-error", "--no-password", file, dsn=empty_database)

    with psycopg.connect(empty_database, autocommit=True) as restored:
        after = snapshot(restored)
        for kind, rows in before.items():
            assert after[kind] == rows, kind
        assert migrations.status(empty_database).is_current
        migrations.verify(empty_database)
        with simulate([full(9, title="Paprika"), anime(51)]) as upstream:
            restored.execute(
                "UPDATE jikan_sync.provider SET base_url = %s, per_second = NULL,"
                " per_minute = NULL WHERE enabled",
                [upstream.url],
            )
            goes_on(restored, empty_database)


def goes_on(restored: Connection, dsn: str) -> None:
    """Old tasks are worked off, new ones come, jobs run, ids do not collide."""
    tasks = value(restored, "SELECT count(*) FROM jikan_sync.queue WHERE lane = 'jikan'")
    assert tasks > 2
    restored.execute(
        "UPDATE jikan_sync.queue SET lease_expires_at = NULL, lease_token = NULL, leased_by = NULL"
    )
    lane = JikanLane(db.connector(dsn, "test"), Settings(), Event(), "restored")
    steps = 0
    while lane.step():
        steps += 1
    lane.close()
    assert steps >= tasks
    restored.execute(
        "UPDATE jikan_sync.job SET created_at = '2020-01-01', last_run_at = NULL,"
        " last_outcome = NULL, last_duration = NULL, failure_count = 0"
    )
    assert db.tick(restored) > 5
    failed = "SELECT job_name, message FROM jikan_sync.job_run WHERE outcome = 'failed'"
    assert restored.execute(failed).fetchall() == []
    assert store(restored, [anime(100, title="Restored")]) == (1, 0, 0, 0)
    embed(restored)
    with psycopg.connect(make_conninfo(dsn, options="-c role=anime_reader")) as app:
        assert value(app, "SELECT title FROM anime.search('restored')") == "Restored"
        for name, question in QUESTIONS.items():
            if name != "search_live":
                assert answer(app, question) is not None
        assert value(app, "SELECT count(*) FROM anime.similar(100)") > 0
