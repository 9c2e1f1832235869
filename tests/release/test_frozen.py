"""Released scripts are frozen, a release is one step, and what is not ready is said."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tools import release, rework

from pgjikan import migrations
from pgjikan.migrations.plan import load_plan
from tests.conftest import ROOT

NAMES = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "SECURITY.md",
    "pyproject.toml",
    "mkdocs.yml",
)
SEASON = "functions/face/season"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The tree as a checkout of its own, between two releases."""
    for folder in ("db", ".github"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for name in ("sqitch.plan", "sqitch.conf", *NAMES):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("pyproject.toml", "mkdocs.yml"):
        file = tmp_path / name
        file.write_text(file.read_text().replace("/OWNER/", "/somebody/"))
    version = tmp_path / release.VERSION_FILE
    version.parent.mkdir(parents=True)
    version.write_text('__version__ = "9.0.0.dev0"\n')
    changelog = tmp_path / "CHANGELOG.md"
    text = changelog.read_text()
    if release.TODO not in text:
        news = f"{release.TODO}\n\n{release.OPERATOR}\n\nNothing.\n\n## "
        changelog.write_text(text.replace("## ", news, 1))
    commit(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def commit(root: Path, *words: str) -> None:
    who = ("-c", "user.name=Test", "-c", "user.email=test@pgjikan.example")
    if words:
        subprocess.run(["git", *words], cwd=root, check=True)
        return
    subprocess.run(["git", "add", "--all"], cwd=root, check=True)
    subprocess.run(["git", *who, "commit", "--quiet", "-m", "x"], cwd=root, check=True)


def test_what_was_released_is_as_it_was() -> None:
    assert list(release.thawed(ROOT, load_plan(migrations.load_project(ROOT)))) == []


def test_ready_tagged_frozen_reworked(copy: Path) -> None:
    assert list(release.problems(copy)) == []
    release.tag(copy, "9.0.0")
    plan = load_plan(migrations.load_project(copy))
    assert release.tag_names(plan)[-1] == "@v9.0.0"
    assert release.current_version(copy) == "9.0.0"
    assert release.unreleased(copy) is None
    assert "## 9.0.0 (" in (copy / "CHANGELOG.md").read_text()
    assert list(release.thawed(copy, plan)) == []
    told = " ".join(release.problems(copy))
    for word in ("uncommitted", "no section", ".dev0", "9.0.0 is released"):
        assert word in told

    script = copy / f"db/{SEASON}.sql"
    released = script.read_text()
    script.write_text(released.replace("season", "Season", 1))
    [said] = release.thawed(copy, plan)
    assert f"the deploy script of {SEASON} was edited" in said
    script.write_text(released)

    rework.rework(copy, SEASON, "In other words.")
    script.write_text(script.read_text().replace("Anime of a season", "Anime of one season"))
    plan = load_plan(migrations.load_project(copy))
    assert list(release.thawed(copy, plan)) == [], "a rework leaves what was released alone"
    assert (copy / f"db/reworked/deploy/{SEASON}@v9.0.0.sql").read_text() == released
    assert (copy / f"db/revert/{SEASON}.sql").read_text().startswith("-- Revert pgjikan:")


def test_what_is_not_ready_is_said(copy: Path) -> None:
    (copy / "db/verify/schema/roles.sql").unlink()
    (copy / "SECURITY.md").unlink()
    changelog = copy / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace(release.OPERATOR, "### Whatever", 1))
    told = " ".join(release.problems(copy))
    for word in ("uncommitted", "db/verify/schema/roles.sql", "SECURITY.md", "does not say"):
        assert word in told


@pytest.mark.parametrize("name", ["pyproject.toml", "mkdocs.yml"])
def test_nothing_is_tagged_while_links_lead_nowhere(
    copy: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = copy / name
    file.write_text(file.read_text().replace("/somebody/", "/OWNER/"))
    commit(copy)
    monkeypatch.setattr(release, "ROOT", copy)
    assert release.main(["9.0.0"]) == 1
    assert f"not ready: OWNER in {name} stands for the account" in capsys.readouterr().out
    assert release.tag_names(load_plan(migrations.load_project(copy))) == []


def test_what_is_not_released_is_edited_and_not_reworked(copy: Path) -> None:
    signed = "2026-12-01T00:00:00Z x <x@pgjikan.example>"
    with (copy / "sqitch.plan").open("a") as plan:
        plan.write(f"functions/face/new {signed} # New.\n")
    with pytest.raises(SystemExit, match="not released yet"):
        rework.rework(copy, "functions/face/new", "x")
    with pytest.raises(SystemExit, match="no change"):
        rework.rework(copy, "functions/face/old", "x")
