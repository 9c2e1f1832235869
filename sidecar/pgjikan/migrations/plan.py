"""sqitch.plan: as much of its grammar as our plan uses.

What is read here stock sqitch reads to the same IDs; the rest of its grammar (%uri, conflicts,
other projects, IDs as dependencies, odd blanks) is refused, with the line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pgjikan.migrations.change import (
    Change,
    Dependency,
    Entry,
    PlanError,
    Tag,
    find,
    object_id,
)
from pgjikan.migrations.project import Project

NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_./-]*[A-Za-z0-9_])?"
PRAGMA = re.compile(rf"%(?P<name>syntax-version|project)=(?P<value>{NAME})\Z")
LINE = re.compile(
    rf"(?P<at>@)?(?P<name>{NAME})(?: \[(?P<dependencies>[^\]]+)\])?"
    r" (?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)"
    r" (?P<planner>[^<>\s](?:[^<>]*[^<>\s])?) <(?P<email>[^<>\s]+)>"
    r"(?: # (?P<note>[^\s\\](?:[^\\]*[^\s\\])?))?\Z"
)
DEPENDENCY = re.compile(rf"(?:{NAME}(?:@{NAME})?|@{NAME})\Z")
RESERVED = re.compile(r"(?:ROOT|HEAD|[0-9a-f]{40}.*)\Z")


@dataclass
class Plan:
    """The changes of a project, in the order in which they are deployed."""

    project: Project
    name: str
    changes: list[Change] = field(default_factory=list)

    def index_of(self, change_id: str) -> int | None:
        """Where the change with this ID stands, if the plan has it."""
        return next((i for i, change in enumerate(self.changes) if change.id == change_id), None)

    def change_of(self, dependency: Dependency) -> Change:
        """The planned change that a dependency names."""
        index = find(self.changes, dependency.text, first=True)
        if index is None:
            raise PlanError(
                f"{self.project.plan_file} has no change {dependency.text}",
                hint="a later line requires it: restore it",
            )
        return self.changes[index]


def load_plan(project: Project) -> Plan:
    """Read and check the project's plan."""
    try:
        text = project.plan_file.read_bytes().decode()
    except FileNotFoundError as error:
        raise PlanError(
            f"no plan: {project.plan_file} does not exist",
            hint="name the project's folder with --project or PGJIKAN_PROJECT",
        ) from error
    except UnicodeDecodeError as error:
        raise PlanError(
            f"{project.plan_file} is not UTF-8: {error}", hint="save it as UTF-8"
        ) from error
    return _Parser(project).parse(text)


class _Parser:
    """One pass over the lines; a section is the stretch between two tags."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.line_number = 0
        self.lines_of: dict[str, int] = {}  # changes and tags of closed sections
        self.section: dict[str, int] = {}  # changes since the last tag
        self.latest: dict[str, int] = {}  # position of each name's last instance

    def parse(self, text: str) -> Plan:
        plan = Plan(self.project, "")
        for self.line_number, line in enumerate(text.split("\n"), start=1):
            if line.startswith("%"):
                pragma = PRAGMA.match(line)
                if pragma is None or plan.changes:
                    raise self._error("not %syntax-version or %project at the top")
                plan.name = pragma["value"] if pragma["name"] == "project" else plan.name
            elif line and not line.startswith("# "):
                if not plan.name:
                    raise self._error("the %project line is missing")
                self._entry(plan, line)
        return plan

    def _error(self, message: str, *, hint: str | None = None) -> PlanError:
        return PlanError(f"{self.project.plan_file}:{self.line_number}: {message}", hint=hint)

    def _entry(self, plan: Plan, line: str) -> None:
        match = LINE.match(line)
        if match is None:
            raise self._error(
                "not a change or tag",
                hint="name [dependencies] 2026-01-31T12:00:00Z Planner <e-mail> # note",
            )
        if RESERVED.match(match["name"]):
            raise self._error(f"{match['name']} is a reserved name")
        try:
            planned_at = datetime.strptime(match["date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError as error:
            raise self._error(f"{match['date']} is no date") from error
        entry = Entry(
            match["name"], match["note"] or "", planned_at, match["planner"], match["email"]
        )
        if match["at"]:
            self._tag(plan, entry, match["dependencies"])
        else:
            self._change(plan, entry, match["dependencies"] or "")

    def _tag(self, plan: Plan, entry: Entry, dependencies: str | None) -> None:
        key = f"@{entry.name}"
        if not plan.changes:
            raise self._error(f"tag {entry.name} stands before the first change")
        if dependencies:
            raise self._error("a tag has no dependencies")
        if "/" in entry.name:
            raise self._error(f"tag {entry.name} holds a /")
        if key in self.lines_of:
            raise self._error(f"tag {entry.name} is on line {self.lines_of[key]} already")
        change = plan.changes[-1]
        info = [f"project {plan.name}", f"tag {key}", f"change {change.id}"]
        info += [*entry.signature, *entry.hashed_note]
        change.tags.append(Tag(object_id("tag", "\n".join(info)), entry))
        self.lines_of |= {**self.section, key: self.line_number}
        self.section = {}

    def _change(self, plan: Plan, entry: Entry, dependencies: str) -> None:
        name = entry.name
        if name in self.section:
            raise self._error(
                f"change {name} is on line {self.section[name]} already",
                hint="only a tag in between lets a change be reworked",
            )
        requires = dependencies.split()
        if len(set(requires)) < len(requires):
            raise self._error("a dependency is named twice")
        for need in requires:
            if not DEPENDENCY.match(need) or RESERVED.match(need):
                raise self._error(f"{need} is no dependency", hint="name, name@tag or @tag")
            if not self._is_known(need):
                raise self._error(f"change {name} requires {need}, which no earlier line is")
        info = [f"project {plan.name}", f"change {name}"]
        info += [f"parent {plan.changes[-1].id}"] if plan.changes else []
        info += entry.signature
        info += ["requires", *(f"  + {need}" for need in requires)] if requires else []
        info += entry.hashed_note
        change = Change(
            object_id("change", "\n".join(info)),
            entry,
            self.project,
            list(map(Dependency, requires)),
        )
        if name in self.latest:
            older = self.latest[name]
            since = reversed(plan.changes[older:])
            plan.changes[older].rework_tags += [tag for other in since for tag in other.tag_names]
        self.latest[name] = len(plan.changes)
        self.section[name] = self.line_number
        plan.changes.append(change)

    def _is_known(self, key: str) -> bool:
        """Whether a requirement stands earlier; `name@tag` sees closed sections only, as sqitch."""
        name, _, tag = key.partition("@")
        if name and tag:
            limit = self.lines_of.get(f"@{tag}", 0)
            return self.lines_of.get(name, limit) < limit
        return key in self.lines_of or key in self.section
