#!/usr/bin/env python3
"""Rework a released change: what `sqitch rework` does, and the first line of each new script.

python3 tools/rework.py functions/face/season 'Seasons begin on the first Monday'

The scripts as they were released go to db/reworked under the last tag's name. The deploy script may
be edited from then on; the new revert script is the old deploy script, with CREATE OR REPLACE.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from pgjikan import migrations
from pgjikan.migrations.plan import load_plan

ROOT = Path(__file__).resolve().parent.parent
PLANNER = "pgjikan maintainers <maintainers@pgjikan.example>"


def rework(root: Path, name: str, note: str) -> list[Path]:
    """Append the change to the plan once more; the new scripts, which are yours to edit."""
    project = migrations.load_project(root)
    plan = load_plan(project)
    same = [change for change in plan.changes if change.name == name]
    tags = [tag for change in plan.changes for tag in change.tag_names]
    if not same:
        raise SystemExit(f"no change {name} in {project.plan_file}")
    since = plan.changes[plan.changes.index(same[-1]) :]
    if not any(change.tags for change in since):
        raise SystemExit(f"{name} is not released yet: edit its scripts")
    now = same[-1]
    for file, kept in (
        (now.deploy_file, project.reworked.deploy),
        (now.revert_file, project.reworked.revert),
        (now.verify_file, project.reworked.verify),
    ):
        copy = kept / f"{name}{tags[-1]}.sql"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text())
    replacing = re.sub(
        r"^CREATE (FUNCTION|PROCEDURE|VIEW)\b",
        r"CREATE OR REPLACE \1",
        now.deploy_file.read_text(),
        flags=re.M,
    )
    now.deploy_file.write_text(replacing)
    first = f"-- Deploy pgjikan:{name} to pg\n"
    now.revert_file.write_text(replacing.replace(first, f"-- Revert pgjikan:{name} from pg\n", 1))
    signed = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {PLANNER}"
    with project.plan_file.open("a") as lines:
        lines.write(f"{name} [{name}{tags[-1]}] {signed} # {note}\n")
    return [now.deploy_file, now.revert_file, now.verify_file]


def main() -> None:
    """Rework the change that the command line names."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    for file in rework(ROOT, sys.argv[1], sys.argv[2]):
        print(f"edit {file.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
