"""Plans and their IDs, held against examples that sqitch hashed."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pgjikan import migrations
from pgjikan.errors import PgjikanError
from pgjikan.migrations.change import find
from pgjikan.migrations.plan import load_plan

from .projects import Folder, write_nasty

#: Worked through with stock sqitch: IDs of two changes and of a tag.
TOY = """\
%syntax-version=1.0.0
%project=toy

schema/app 2026-11-23T00:01:53Z Project <dev@example.org> # Create the application schemas.
"""


def test_id_is_sqitch_s(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "toy")
    (folder.root / "sqitch.plan").write_text(TOY)
    [change] = load_plan(folder.load()).changes
    assert change.id == "7996b24a74aedeb1a33d14c1718af90088f8d820"


def test_nasty_plan_is_read_whole(tmp_path: Path) -> None:
    folder = write_nasty(tmp_path / "nasty")
    changes = load_plan(folder.load()).changes
    assert [change.title for change in changes] == [
        "schema/app",
        "schema/anime @v1.0 @v1.0-again",
        "functions/f",
        "plain.name-x_1 @v1.1-rc @v1.1",
        "functions/f",
        "schema/anime_2",
        "late @v1.2",
        "functions/f",
    ]
    assert changes[0].entry.planner_name == "Frédéric  Ōno"
    assert changes[1].entry.note == "first, second # third"
    files = [os.path.relpath(changes[i].deploy_file, folder.root) for i in (2, 4, 7)]
    assert files == [
        "db/reworked/deploy/functions/f@v1.1.sql",  # @v1.1-rc is nearer, but has no file
        "db/reworked/deploy/functions/f@v1.2.sql",
        "db/functions/f.sql",
    ]


@pytest.mark.parametrize(
    ("key", "index"),
    [
        ("schema/app", 0),
        ("@v1.0-again", 1),
        ("functions/f@v1.1", 2),
        ("functions/f@v1.2", 4),
        ("functions/f@HEAD", 7),
        ("functions/f@v1.0", None),
        ("late@v1.2", 6),
        ("@HEAD", 7),
        ("HEAD", 7),
        ("@ROOT", 0),
        ("nothing", None),
        ("@nothing", None),
    ],
)
def test_finding_a_change(tmp_path: Path, key: str, index: int | None) -> None:
    changes = load_plan(write_nasty(tmp_path / "nasty").load()).changes
    assert find(changes, key) == index


def test_an_ambiguous_name_is_asked_back(tmp_path: Path) -> None:
    changes = load_plan(write_nasty(tmp_path / "nasty").load()).changes
    with pytest.raises(migrations.PlanError, match="more than once") as caught:
        find(changes, "functions/f")
    assert caught.value.hint == (
        "say which: functions/f@v1.1-rc, functions/f@v1.2, functions/f@HEAD"
    )
    assert find(changes, "functions/f", first=True) == 2
    assert find([], "@HEAD") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a 2026-01-01T00:00:00Z", ":4: not a change or tag"),
        ("%uri=https://example.org/", ":4: not %syntax-version or %project"),
        ("a {signed} # a \\n note", ":4: not a change or tag"),
        ("a [b] {signed}", ":4: change a requires b, which no earlier line is"),
        ("a [0123456789012345678901234567890123456789] {signed}", "is no dependency"),
        ("a {signed}\nb [!a] {signed}", "!a is no dependency"),
        ("a {signed}\nb [other:a] {signed}", "other:a is no dependency"),
        ("a {signed}\na {signed}", ":5: change a is on line 4 already"),
        ("@t {signed}", "before the first change"),
        ("a 2026-13-01T00:00:00Z P <p@example.org>", "is no date"),
    ],
)
def test_errors_name_the_line(tmp_path: Path, text: str, words: str) -> None:
    folder = Folder(tmp_path / "toy")
    folder.lines.append(text.format(signed="2026-01-31T12:00:00Z P <p@example.org>"))
    folder.write_plan()
    with pytest.raises(migrations.PlanError) as caught:
        load_plan(folder.load())
    assert words in str(caught.value)


def test_who_deploys_is_told_as_to_sqitch(tmp_path: Path) -> None:
    root = Folder(tmp_path / "toy").root
    env = {"SQITCH_FULLNAME": "E", "SQITCH_EMAIL": "e@example.org", "PGJIKAN_REGISTRY": "other"}
    project = migrations.load_project(root, env)
    assert (project.committer_name, project.committer_email) == ("E", "e@example.org")
    assert project.registry == "other"
    nobody = migrations.load_project(root, {})
    assert nobody.committer_name
    assert "@" in nobody.committer_email
    assert nobody.registry == "sqitch"


def test_stock_sqitch_is_told_the_same_folders() -> None:
    root = migrations.find_root()
    conf = dict(re.findall(r"^\t(\w+) = (\S+)$", (root / "sqitch.conf").read_text(), re.M))
    project = migrations.load_project(root)
    for prefix, scripts in (("", project.scripts), ("reworked_", project.reworked)):
        for kind in ("deploy", "revert", "verify"):
            assert root / conf[f"{prefix}{kind}_dir"] == getattr(scripts, kind)


def test_the_checkout_s_own_project() -> None:
    root = migrations.find_root()
    assert (root / "sqitch.plan").is_file()
    plan = load_plan(migrations.load_project(root))
    assert plan.name == "pgjikan"
    with pytest.raises(PgjikanError, match="no sqitch project"):
        migrations.find_root(root / "tests")
