"""An upgrade of an installation with data, by our runner and, where it is, by stock sqitch.

A copy of the tree is deployed to its last tag (until there is one, the copy gets one) and filled;
then to the newest change, with a table changed and a function reworked on top; then taken back.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from tools.release import tag_names
from tools.rework import rework

from pgjikan import migrations
from pgjikan.migrations.plan import load_plan
from tests.conftest import ROOT
from tests.reliability.conftest import Connection, fill
from tests.reliability.test_backup import OBJECTS, TABLES, snapshot
from tests.security.test_privileges import SCHEMAS
from tests.store.documents import anime
from tests.store.test_store_anime import store, value

SIGNED = "2026-12-01T00:00:00Z pgjikan maintainers <maintainers@pgjikan.example>"
ADDED = """
BEGIN;
SET LOCAL ROLE jikan_owner;
ALTER TABLE jikan.anime ADD COLUMN note text NOT NULL DEFAULT 'none';
COMMIT;
"""
REMOVED = """
BEGIN;
SET LOCAL ROLE jikan_owner;
ALTER TABLE jikan.anime DROP COLUMN note;
COMMIT;
"""
OLD_WORDS = "Anime of a season (winter, spring, summer, fall)"
NEW_WORDS = "Anime of one season (winter, spring, summer, fall)"
Upgrade = Callable[[str, Path, str, str], None]


def ours(dsn: str, root: Path, action: str, tag: str) -> None:
    project = migrations.load_project(root)
    since = len(load_plan(project).changes) - 1 - tagged_at(root, tag)
    if action == "deploy":
        assert migrations.deploy(dsn, project) == since
    else:
        assert migrations.revert(dsn, project, to=tag) == since


def stock(dsn: str, root: Path, action: str, tag: str) -> None:
    if "PGJIKAN_SQITCH" not in os.environ:
        pytest.fail("tests marked `full` run with: make test-full")
    parts = conninfo_to_dict(dsn)
    target = f"db:pg://{parts['host']}:{parts['port']}/{quote(str(parts['dbname']))}"
    words = ["deploy", "--verify", target] if action == "deploy" else [action, "-y", tag, target]
    result = subprocess.run(
        [os.environ["PGJIKAN_SQITCH"], *words],
        cwd=root,
        env=os.environ
        | {
            "PGUSER": str(parts["user"]),
            "PGPASSWORD": str(parts["password"]),
            "SQITCH_FULLNAME": "Test",
            "SQITCH_EMAIL": "test@pgjikan.example",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def tagged_copy(root: Path) -> str:
    """Copy the tree; the tag of its last release, or the one that the copy gets."""
    shutil.copytree(ROOT / "db", root / "db")
    shutil.copy(ROOT / "sqitch.conf", root)
    shutil.copy(ROOT / "sqitch.plan", root)
    tags = tag_names(load_plan(migrations.load_project(root)))
    return tags[-1] if tags else tag_it(root, "@v0")


def tag_it(root: Path, tag: str) -> str:
    with (root / "sqitch.plan").open("a") as plan:
        plan.write(f"{tag} {SIGNED} # A release.\n")
    return tag


def tagged_at(root: Path, tag: str) -> int:
    changes = load_plan(migrations.load_project(root)).changes
    return next(i for i, change in enumerate(changes) if tag in change.tag_names)


def next_version(root: Path) -> None:
    """A new column, and another body for a function of the face: the rework procedure."""
    changes = load_plan(migrations.load_project(root)).changes
    if not changes[-1].tags:
        tag_it(root, "@copy")
    write(root / "db/schema/anime_note.sql", ADDED)
    write(root / "db/revert/schema/anime_note.sql", REMOVED)
    write(root / "db/verify/schema/anime_note.sql", "SELECT note FROM jikan.anime WHERE false;")
    with (root / "sqitch.plan").open("a") as plan:
        plan.write(f"schema/anime_note [schema/anime] {SIGNED} # A note on each anime.\n")
    deploy, *_ = rework(root, "functions/face/season", "In other words.")
    assert OLD_WORDS in deploy.read_text()
    write(deploy, deploy.read_text().replace(OLD_WORDS, NEW_WORDS))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize("by", [ours, pytest.param(stock, marks=pytest.mark.full)])
def test_an_upgrade_loses_nothing_and_can_be_taken_back(
    by: Upgrade, empty_database: str, tmp_path: Path
) -> None:
    root, tag = tmp_path, tagged_copy(tmp_path)
    migrations.deploy(empty_database, migrations.load_project(root), to=tag, verify=False)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        fill(connection)
        before, counts = snapshot(connection), rows(connection)
        next_version(root)
        by(empty_database, root, "deploy", tag)
        assert migrations.status(empty_database, migrations.load_project(root)).is_current
        now = rows(connection)
        for table, count in counts.items():
            # A release may bring settings and jobs; what was fetched is neither more nor less.
            assert now[table] == count if table.startswith("jikan.") else now[table] >= count, table
        assert value(connection, "SELECT DISTINCT note FROM jikan.anime") == "none"
        assert store(connection, [anime(300)]) == (1, 0, 0, 0)
        assert value(connection, "SELECT count(*) FROM anime.season(1998, 'spring')") == 8
        comment = "SELECT obj_description('anime.season(integer, text, boolean)'::regprocedure)"
        assert value(connection, comment).startswith(NEW_WORDS)
        allowed = "SELECT has_function_privilege('anime_reader', %s, 'execute')"
        assert value(connection, allowed, "anime.season(integer, text, boolean)")

        by(empty_database, root, "revert", tag)
        assert value(connection, comment).startswith(OLD_WORDS)
        after = snapshot(connection)
        for kind, lines in before.items():
            if kind in OBJECTS:
                assert after[kind] == lines or kind == "sequences", kind
            else:
                assert set(lines) <= set(after[kind]), kind
        assert value(connection, "SELECT count(*) FROM jikan.anime WHERE mal_id = 300") == 1


def rows(connection: Connection) -> dict[str, int]:
    """How many rows each table of ours has, the registry's not counted."""
    tables = connection.execute(TABLES, [[name for name in SCHEMAS if name != "sqitch"]]).fetchall()
    return {name: value(connection, f"SELECT count(*) FROM {name}") for (name,) in tables}
