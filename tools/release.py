#!/usr/bin/env python3
"""Release pgjikan: the checklist, and the one step that tags.

tools/release.py --check        is everything ready? Says what is not; exits 1 if a tag must wait
tools/release.py 1.0.0          the checklist, then: version, CHANGELOG, @v1.0.0 in sqitch.plan,
                                and db/released.txt; prints what to do with git

From the first tag on released scripts are frozen: tests/release/test_frozen.py holds every script
of a tagged change against db/released.txt. A change of behaviour is a rework (tools/rework.py).
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from packaging.version import Version

from pgjikan import migrations
from pgjikan.migrations.plan import Plan, load_plan

ROOT = Path(__file__).resolve().parent.parent
PLANNER = "pgjikan maintainers <maintainers@pgjikan.example>"
VERSION_FILE = "sidecar/pgjikan/__init__.py"
RELEASED = "db/released.txt"
TODO = "## Unreleased"
OPERATOR = "### What an operator must do"


def main(words: list[str]) -> int:
    """Check, and with a version tag."""
    if len(words) != 1 or (words[0] != "--check" and not words[0][0].isdigit()):
        sys.exit(__doc__)
    wrong = list(problems(ROOT))
    for line in wrong:
        print(f"not ready: {line}")
    for line in by_hand():
        print(f"by hand:   {line}")
    if words[0] == "--check":
        print("a tag must wait" if wrong else "ready to be tagged: tools/release.py VERSION")
    elif not wrong:
        tag(ROOT, words[0])
        files = f"{VERSION_FILE} CHANGELOG.md sqitch.plan {RELEASED}"
        print(f"tagged v{words[0]}. Now: make docs test; git commit -m 'v{words[0]}' {files}")
        print(f"then: git tag --annotate v{words[0]} && python -m hatchling build")
    return 1 if wrong else 0


def problems(root: Path) -> Iterator[str]:
    """What must be mended before a tag."""
    status = git(root, "status", "--porcelain")
    if status is None:
        yield "this is no git checkout"
    elif status:
        yield f"uncommitted changes: {', '.join(line[3:] for line in status.splitlines()[:5])}"
    plan = load_plan(migrations.load_project(root))
    for change in plan.changes:
        for script in (change.deploy_file, change.revert_file, change.verify_file):
            if not script.is_file():
                yield f"{script.relative_to(root)} is missing"
    yield from thawed(root, plan)
    news = unreleased(root)
    if news is None:
        yield f"CHANGELOG.md has no section {TODO!r}"
    elif OPERATOR not in news:
        yield f"the unreleased part of CHANGELOG.md does not say {OPERATOR!r}"
    version = Version(current_version(root))
    if not version.is_devrelease:
        yield f"{VERSION_FILE} says {version}: between releases it is the next one's .dev0"
    for last in [Version(name.removeprefix("@v")) for name in tag_names(plan)[-1:]]:
        if version <= last:
            yield f"{VERSION_FILE} says {version}, and {last} is released"
    for path in ("LICENSE", "SECURITY.md", "CONTRIBUTING.md", ".github/dependabot.yml"):
        if not (root / path).is_file():
            yield f"{path} is missing"
    for path in ("pyproject.toml", "mkdocs.yml"):
        if "/OWNER/" in (root / path).read_text():
            yield (
                f"OWNER in {path} stands for the account that hosts the repository: write its "
                "name there, or the links of the index page and the site lead nowhere"
            )


def by_hand() -> Iterator[str]:
    """What a person has to look at before an upload; no reason not to tag."""
    yield "the gate (.ci/run) must have passed on this commit, vulnerabilities looked up"
    yield "README as a stranger reads it: python -m hatchling metadata readme"


def tag(root: Path, version: str) -> None:
    """Write the version wherever it stands, tag the plan and freeze its scripts."""
    project = migrations.load_project(root)
    file = root / VERSION_FILE
    file.write_text(re.sub(r'(__version__ = ")[^"]+', rf"\g<1>{version}", file.read_text()))
    changelog = root / "CHANGELOG.md"
    heading = f"## {version} ({date.today()})"
    changelog.write_text(changelog.read_text().replace(TODO, heading, 1))
    signed = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {PLANNER}"
    with project.plan_file.open("a") as lines:
        lines.write(f"@v{version} {signed} # Release {version}.\n")
    freeze(root)


def freeze(root: Path) -> None:
    """Write down what the scripts of all tagged changes are."""
    plan = load_plan(migrations.load_project(root))
    lines = [f"{change} {kind} {sha}\n" for (change, kind), sha in scripts(plan).items()]
    file = root / RELEASED
    file.write_text("".join([file.read_text().splitlines(keepends=True)[0], *lines]))


def thawed(root: Path, plan: Plan) -> Iterator[str]:
    """What differs from what was released: plan and scripts of tagged changes are frozen."""
    file = root / RELEASED
    frozen = {
        (change, kind): sha
        for change, kind, sha in (
            line.split() for line in file.read_text().splitlines() if not line.startswith("#")
        )
    }
    found, names = scripts(plan), {change.id: change.title for change in plan.changes}
    for key, sha in frozen.items():
        if key not in found:
            yield f"{key[0]} was released and is not in the plan as it was"
        elif found[key] != sha:
            yield f"the {key[1]} script of {names[key[0]]} was edited: use tools/rework.py"
    for key in found.keys() - frozen.keys():
        yield f"{names[key[0]]} is tagged, but {RELEASED} does not have it"


def scripts(plan: Plan) -> dict[tuple[str, str], str]:
    """Change, kind and hash of every script up to the last tag."""
    tagged = [i for i, change in enumerate(plan.changes) if change.tags]
    return {
        (change.id, kind): hashlib.sha256(script.read_bytes()).hexdigest()
        if script.is_file()
        else "missing"
        for change in (plan.changes[: tagged[-1] + 1] if tagged else [])
        for kind, script in (
            ("deploy", change.deploy_file),
            ("revert", change.revert_file),
            ("verify", change.verify_file),
        )
    }


def tag_names(plan: Plan) -> list[str]:
    """The plan's tags, oldest first, with their @."""
    return [name for change in plan.changes for name in change.tag_names]


def current_version(root: Path) -> str:
    """The version that the package says it has."""
    [version] = re.findall(r'__version__ = "([^"]+)"', (root / VERSION_FILE).read_text())
    return str(version)


def unreleased(root: Path) -> str | None:
    """What CHANGELOG.md says of the coming release."""
    text = (root / "CHANGELOG.md").read_text()
    found = re.search(rf"^{TODO}$(.*?)(?=^## |\Z)", text, re.M | re.S)
    return found[1] if found else None


def git(root: Path, *words: str) -> str | None:
    """What git says; None where there is no checkout."""
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
