"""sqitch.plan: its grammar, read as strictly as sqitch reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pgjikan.migrations.change import (
    PUNCTUATION,
    Change,
    Dependency,
    Entry,
    PlanError,
    Tag,
    find,
    object_id,
)
from pgjikan.migrations.project import Project

# What Perl calls [[:blank:]] and \s in a UTF-8 file; Python's own \s is wider.
BLANK = "[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]"
SPACE = " \t\n\v\f\r\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
NAME = (
    rf"(?!{PUNCTUATION})(?:(?![~/=%^]\d+(?:\Z|{BLANK}))(?!{BLANK})[^:@#\\\[\]])+"
    rf"(?<!{PUNCTUATION})\b"
)
ID = "[0-9a-f]{40}"
COMMENT = re.compile(rf"{BLANK}*(?:#{BLANK}*(?P<note>.+)|\Z)")
NOTE = re.compile(rf"{BLANK}*(?:#{BLANK}*(?P<note>.*))?\Z")
PRAGMA = re.compile(rf"{BLANK}*%{BLANK}*(?P<name>[^\s=]+){BLANK}*(?:={BLANK}*(?P<value>.+))?\Z")
LINE = re.compile(
    rf"""{BLANK}*(?:(?P<at>@)|{BLANK}*(?P<operator>[+-]){BLANK}*)?(?P<name>{NAME})(?:{BLANK}+)?
    (?:\[(?P<dependencies>[^\]]+)\]{BLANK}*)?
    (?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}Z){BLANK}*
    (?P<planner>[^<]+){BLANK}+<(?P<email>[^>]+)>\Z""".replace("\n    ", "")
)
DEPENDENCY = re.compile(
    rf"(?P<conflicts>!?)(?:(?P<project>{NAME}):)?"
    rf"(?:(?P<id>{ID})|(?P<change>{NAME})(?:@(?P<tag>{NAME}))?|@(?P<only_tag>{NAME}))\Z"
)
# sqitch hashes a URI in canonical form but stores it as written; only these two are the same.
CANONICAL_URI = re.compile(r"https?://[a-z0-9.-]+(?::(?!80/|443/)[0-9]+)?/[A-Za-z0-9._~/-]*\Z")


@dataclass
class Plan:
    """The changes of a project, in the order in which they are deployed."""

    project: Project
    name: str
    uri: str | None
    changes: list[Change] = field(default_factory=list)

    def index_of(self, change_id: str) -> int | None:
        """Where the change with this ID stands, if the plan has it."""
        return next((i for i, change in enumerate(self.changes) if change.id == change_id), None)

    def change_of(self, dependency: Dependency) -> Change | None:
        """The planned change that a dependency of this project names; None for a foreign one."""
        if dependency.project != self.name:
            return None
        index = find(self.changes, dependency.key, first=True)
        if index is None:
            raise PlanError(
                f"{self.project.plan_file} has no change {dependency.key}",
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
    """One pass over the lines; `sections` are the stretches between two tags."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.line_number = 0
        self.lines_of: dict[str, int] = {}  # changes and tags of closed sections
        self.section: dict[str, int] = {}  # changes since the last tag
        self.latest: dict[str, int] = {}  # position of each name's last instance

    def parse(self, text: str) -> Plan:
        lines = self._lines(text)
        pragmas = self._pragmas(lines)
        if "project" not in pragmas:
            raise self._error("the %project line is missing")
        if not re.fullmatch(NAME, pragmas["project"]):
            raise self._error(f"{pragmas['project']!r} cannot name a project")
        uri = pragmas.get("uri")
        if uri is not None and not CANONICAL_URI.match(uri):
            raise self._error(
                f"the URI {uri} is not in canonical form",
                hint="lower-case scheme and host, no default port, a path, no escapes",
            )
        plan = Plan(self.project, pragmas["project"], uri)
        for line in lines:
            if not COMMENT.match(line):
                self._entry(plan, line)
        return plan

    def _lines(self, text: str) -> Iterator[str]:
        for self.line_number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
            yield line.removesuffix("\r")

    def _error(self, message: str, *, hint: str | None = None) -> PlanError:
        return PlanError(f"{self.project.plan_file}:{self.line_number}: {message}", hint=hint)

    def _pragmas(self, lines: Iterator[str]) -> dict[str, str]:
        """The %lines up to the first blank one."""
        pragmas: dict[str, str] = {}
        for line in lines:
            if comment := COMMENT.match(line):
                if not (comment["note"] or "").strip(SPACE):
                    break
                continue
            pragma = PRAGMA.match(NOTE.split(line, maxsplit=1)[0])
            if pragma is None:
                raise self._error("a blank line must stand between the %lines and the changes")
            pragmas[pragma["name"]] = pragma["value"] or "1"
        return pragmas

    def _entry(self, plan: Plan, text: str) -> None:
        closing = NOTE.search(text)
        body = text[: closing.start()] if closing else text
        match = LINE.match(body)
        if match is None:
            raise self._error(
                "not a change or tag",
                hint="name [dependencies] 2026-01-31T12:00:00Z Planner <e-mail> # note",
            )
        name = match["name"]
        if name in ("ROOT", "HEAD") or re.match(ID, name):
            raise self._error(f"{name} is a reserved name")
        try:
            planned_at = datetime.strptime(match["date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError as error:
            raise self._error(f"{match['date']} is no date") from error
        note = ((closing and closing["note"]) or "").strip(SPACE)
        note = re.sub(r"\\([\\nr])", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), note)
        entry = Entry(name, note, planned_at, match["planner"], match["email"])
        if match["at"]:
            self._tag(plan, entry, match["dependencies"])
        else:
            self._change(plan, entry, match["dependencies"] or "")

    def _tag(self, plan: Plan, entry: Entry, dependencies: str | None) -> None:
        if not plan.changes:
            raise self._error(f"tag {entry.name} stands before the first change")
        if dependencies:
            raise self._error("a tag has no dependencies")
        if "/" in entry.name:
            raise self._error(f"tag {entry.name} holds a /")
        if f"@{entry.name}" in self.lines_of:
            line = self.lines_of[f"@{entry.name}"]
            raise self._error(f"tag {entry.name} is on line {line} already")
        change = plan.changes[-1]
        info = [*_header(plan), f"tag @{entry.name}", f"change {change.id}"]
        info += [*entry.signature, *entry.hashed_note]
        change.tags.append(Tag(object_id("tag", "\n".join(info)), entry))
        self.lines_of |= {**self.section, f"@{entry.name}": self.line_number}
        self.section = {}

    def _change(self, plan: Plan, entry: Entry, dependencies: str) -> None:
        name = entry.name
        if name in self.section:
            raise self._error(
                f"change {name} is on line {self.section[name]} already",
                hint="only a tag in between lets a change be reworked",
            )
        words = re.split(f"{BLANK}+", dependencies.rstrip(SPACE)) if dependencies else []
        if len(set(words)) < len(words):
            raise self._error("a dependency is named twice")
        needs = [self._dependency(plan, word) for word in words]
        requires = [need for need in needs if not need.conflicts]
        conflicts = [need for need in needs if need.conflicts]
        for need in requires:
            if need.project == plan.name and not self._is_known(need.key):
                raise self._error(f"change {name} requires {need.key}, which no earlier line is")
        info = [*_header(plan), f"change {name}"]
        info += [f"parent {plan.changes[-1].id}"] if plan.changes else []
        info += entry.signature
        info += ["requires", *(f"  + {need.text}" for need in requires)] if requires else []
        info += ["conflicts", *(f"  - {need.text}" for need in conflicts)] if conflicts else []
        info += entry.hashed_note
        change = Change(
            object_id("change", "\n".join(info)), entry, self.project, requires, conflicts
        )
        if name in self.latest:
            older = self.latest[name]
            since = reversed(plan.changes[older:])
            plan.changes[older].rework_tags += [tag for other in since for tag in other.tag_names]
        self.latest[name] = len(plan.changes)
        self.section[name] = self.line_number
        plan.changes.append(change)

    def _dependency(self, plan: Plan, word: str) -> Dependency:
        match = DEPENDENCY.match(word)
        if match is None:
            raise self._error(f"{word} is no dependency", hint="name, name@tag, @tag, project:name")
        project = match["project"] or plan.name
        if match["id"] and project == plan.name:
            raise self._error(f"{word} is an ID, on which sqitch hangs", hint="name the change")
        key = match["id"] or match["change"] or ""
        if tag := match["tag"] or match["only_tag"]:
            key += f"@{tag}"
        text = key if project == plan.name else f"{project}:{key}"
        return Dependency(text, key, bool(match["conflicts"]), project)

    def _is_known(self, key: str) -> bool:
        """Whether a requirement stands earlier; `name@tag` sees closed sections only, as sqitch."""
        name, _, tag = key.partition("@")
        if name and tag:
            limit = self.lines_of.get(f"@{tag}", 0)
            return self.lines_of.get(name, limit) < limit
        return key in self.lines_of or key in self.section


def _header(plan: Plan) -> list[str]:
    return [f"project {plan.name}", *([f"uri {plan.uri}"] if plan.uri else [])]
