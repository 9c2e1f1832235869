"""The real sqitch is the measure: same rows in the registry, whoever wrote them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgjikan import migrations
from pgjikan.migrations.plan import load_plan

from .projects import Folder, write_nasty, write_other

pytestmark = pytest.mark.full

IDENTITY = {"SQITCH_FULLNAME": "De Ployer", "SQITCH_EMAIL": "deployer@example.org"}
TABLES = {
    "releases": "version",
    "projects": "project",
    "changes": "change_id",
    "tags": "tag_id",
    "dependencies": "change_id, dependency",
    "events": "committed_at",
}
CATALOGUE = """
    SELECT attrelid::regclass::text AS relation, attname AS name,
           format_type(atttypid, atttypmod) AS definition, attnotnull,
           pg_get_expr(adbin, adrelid) AS fallback
    FROM pg_attribute
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'sqitch'::regnamespace)
      AND attnum > 0
    UNION ALL
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated, NULL
    FROM pg_constraint WHERE connamespace = 'sqitch'::regnamespace
    ORDER BY 1, 2, 3
"""


@pytest.fixture(autouse=True)
def identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SQITCH_USER_CONFIG", str(tmp_path / "no-user.conf"))


@dataclass(frozen=True)
class Stock:
    """The sqitch executable."""

    program: str

    def __call__(self, folder: Path, conninfo: str, *arguments: str, code: int = 0) -> str:
        parts = conninfo_to_dict(conninfo)
        names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
        env = os.environ | {v: str(parts[k]) for k, v in names.items() if parts.get(k)}
        command, *rest = arguments
        target = ["--target", f"db:pg:{parts['dbname']}"]
        done = subprocess.run(
            [self.program, "--no-pager", command, *target, *rest],
            cwd=folder,
            env=env | {"LC_ALL": "C.UTF-8", "LANGUAGE": "en"},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        output = done.stdout + done.stderr
        assert done.returncode == code, f"sqitch {' '.join(arguments)}: {output}"
        return output


@pytest.fixture
def sqitch() -> Stock:
    program = os.environ.get("PGJIKAN_SQITCH") or shutil.which("sqitch")
    assert program, "test-full needs stock sqitch: set PGJIKAN_SQITCH or put it on PATH"
    return Stock(program)


@pytest.fixture
def second_database(empty_database: str) -> Iterator[str]:
    name = f"{conninfo_to_dict(empty_database)['dbname']}_2"
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield make_conninfo(empty_database, dbname=name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def snapshot(conninfo: str) -> dict[str, list[dict[str, Any]]]:
    """The registry without the times at which things were done."""
    rows: dict[str, list[dict[str, Any]]] = {}
    with psycopg.connect(conninfo, row_factory=psycopg.rows.dict_row) as connection:
        for table, order in TABLES.items():
            query = f"SELECT * FROM sqitch.{table} ORDER BY {order}"
            rows[table] = [
                {
                    name: sorted(value) if isinstance(value, list) else value
                    for name, value in row.items()
                    if name not in ("committed_at", "installed_at", "created_at")
                }
                for row in connection.execute(query.encode())
            ]
    return rows


def catalogue(conninfo: str) -> list[Any]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute(CATALOGUE.encode()).fetchall()


@pytest.fixture
def nasty(tmp_path: Path) -> tuple[Folder, Folder]:
    other = write_other(tmp_path / "other")
    return other, write_nasty(tmp_path / "nasty")


def test_registry_tables_are_the_same(
    sqitch: Stock, empty_database: str, second_database: str, tmp_path: Path
) -> None:
    folder = Folder(tmp_path / "toy").add("a")
    sqitch(folder.root, empty_database, "deploy")
    migrations.deploy(second_database, folder.load())
    assert catalogue(second_database) == catalogue(empty_database)
    assert snapshot(second_database) == snapshot(empty_database)


Step = Callable[[bool, str], object]


@pytest.mark.parametrize("turns", ["ours", "ours, then sqitch", "sqitch, then ours"])
def test_either_takes_over_at_any_point(
    sqitch: Stock,
    empty_database: str,
    second_database: str,
    nasty: tuple[Folder, Folder],
    turns: str,
) -> None:
    """Whoever takes which step, the registry is the one that sqitch alone would have made."""
    other, folder = nasty
    steps = [
        (other, "deploy", None),
        (folder, "deploy", "plain.name-x_1"),
        (folder, "deploy", None),
        (folder, "revert", "functions/f@v1.1"),
        (folder, "deploy", "@HEAD"),
        (folder, "revert", "schema/anime_2"),
        (folder, "verify", None),
        (folder, "revert", None),
        (folder, "deploy", None),
    ]
    for number, (project, action, to) in enumerate(steps):
        take_step(sqitch, second_database, project, action, to)
        if turns == "ours" or (number % 2 == 0) == turns.startswith("ours"):
            do = {"deploy": migrations.deploy, "revert": migrations.revert}
            run: Any = do.get(action, migrations.verify)
            run(empty_database, project.load(), to=to)
        else:
            take_step(sqitch, empty_database, project, action, to)
        mine, theirs = snapshot(empty_database), snapshot(second_database)
        for table in TABLES:
            assert mine[table] == theirs[table], (number, action, to, table)
    assert "up-to-date" in sqitch(folder.root, empty_database, "status")
    assert "Check successful" in sqitch(folder.root, empty_database, "check")
    assert migrations.status(second_database, folder.load()).is_current


def take_step(sqitch: Stock, conninfo: str, project: Folder, action: str, to: str | None) -> None:
    arguments = [
        action,
        *(["--to-change", to] if to else []),
        *(["-y"] if action == "revert" else []),
    ]
    sqitch(project.root, conninfo, *arguments)


@pytest.mark.parametrize("mode", ["all", "tag", "change"])
@pytest.mark.parametrize("fault", ["deploy", "verify", "same script"])
def test_failures_leave_the_same_registry(
    sqitch: Stock,
    empty_database: str,
    second_database: str,
    tmp_path: Path,
    mode: migrations.Mode,
    fault: str,
) -> None:
    folder = Folder(tmp_path / "toy").add("a").tag("v1").add("b", needs="a")
    if fault == "deploy":
        folder.add("c", "CREATE TABLE c (id int); SELECT 1/0;", needs="b")
    elif fault == "verify":
        folder.add("c", verify="SELECT 1/0;", needs="b")
    else:
        folder.add(
            "c", "CREATE TABLE IF NOT EXISTS b (id int);", revert="SELECT;", verify="SELECT;"
        )
        folder.script("", "b", "CREATE TABLE IF NOT EXISTS b (id int);")
    sqitch(folder.root, empty_database, "deploy", "--mode", mode, code=2)
    with pytest.raises(migrations.DeployError):
        migrations.deploy(second_database, folder.load(), mode=mode)
    assert snapshot(second_database) == snapshot(empty_database)
    left = {"all": [], "tag": ["a"], "change": ["a", "b"]}[mode]
    assert [row["change"] for row in snapshot(empty_database)["events"]][:3] == ["a", "b", "c"]
    assert {row["change"] for row in snapshot(second_database)["changes"]} == set(left)


def test_tags_and_edits_made_after_the_deploy(
    sqitch: Stock, empty_database: str, second_database: str, tmp_path: Path
) -> None:
    folder = Folder(tmp_path / "toy").add("a").add("b")
    sqitch(folder.root, empty_database, "deploy")
    migrations.deploy(second_database, folder.load())
    folder.tag("v1")
    sqitch(folder.root, empty_database, "deploy")
    migrations.deploy(second_database, folder.load())
    assert snapshot(second_database) == snapshot(empty_database)
    assert len(snapshot(second_database)["tags"]) == 1
    folder.script("", "a", "CREATE TABLE a (id int, edited int);")
    assert "diverge at change a" in sqitch(folder.root, second_database, "check", code=1)
    assert migrations.status(empty_database, folder.load()).drifted == ["a"]
    # A plan edited under a database: neither goes on, both can still go back.
    folder.lines[0] = folder.lines[0].replace("a.", "an edited note")
    folder.write_plan()
    sqitch(folder.root, empty_database, "deploy", code=2)
    with pytest.raises(migrations.PlanError, match="does not know the deployed change b"):
        migrations.deploy(second_database, folder.load())
    sqitch(folder.root, empty_database, "revert", "-y")
    migrations.revert(second_database, folder.load())
    assert snapshot(second_database) == snapshot(empty_database)


#: sqitch reads these, ours does not.
ODD = (
    "a{signed}",
    "-a {signed}",
    "a [ x] {signed}",
    "a\t{signed}   ",
    "a {signed} \u3000# \u3000wide",
)


@pytest.mark.parametrize(
    "line",
    [
        *ODD,
        "#",
        "a@b {signed}",
        "a: {signed}",
        "HEAD {signed}",
        "a~1 {signed}",
        "a. {signed}",
        "0123456789012345678901234567890123456789 {signed}",
        "a [b] {signed}",
        "a [a] {signed}",
        "a [x x] {signed}",
        "a 2026-02-30T00:00:00Z P <p@example.org>",
        "a 2026-02-03T00:00:00Z",
        "@tag-first {signed}",
        "x {signed}\n@t {signed}\n@t {signed}",
        "x {signed}\n@t/u {signed}",
        "x {signed}\nx {signed}",
        "x {signed}\n@t {signed}\nx {signed}\n@u {signed}\ny [x@t] {signed}",
        "x {signed}\n@t {signed}\nx [x@t] {signed}\n@u {signed}\ny [x@u @t] {signed}",
    ],
)
def test_the_grammar_is_the_same(
    sqitch: Stock, empty_database: str, tmp_path: Path, line: str
) -> None:
    """What ours reads, sqitch reads to the same IDs; what sqitch refuses, ours does."""
    folder = Folder(tmp_path / "toy")
    folder.lines.append(line.format(signed="2026-01-31T12:00:00Z A B <a@example.org>"))
    folder.write_plan()
    done = subprocess.run(
        [sqitch.program, "--no-pager", "plan", "--format", "format:%H"],
        cwd=folder.root,
        capture_output=True,
        text=True,
        check=False,
    )
    theirs = (
        re.findall("^[0-9a-f]{40}$", done.stdout, re.MULTILINE) if not done.returncode else None
    )
    try:
        ours = [change.id for change in load_plan(folder.load()).changes]
    except migrations.PlanError:
        ours = None
    assert ours in (theirs, None), done.stdout + done.stderr
    assert ours == theirs or line in ODD
