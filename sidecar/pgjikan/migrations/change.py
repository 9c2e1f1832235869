"""Changes and tags, the IDs that their history is hashed into, and how to find one by name."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Protocol

from pgjikan.errors import PgjikanError
from pgjikan.migrations.project import Project, Scripts


class PlanError(PgjikanError):
    """The plan cannot be read, or does not hold what was asked for."""


class DeployError(PgjikanError):
    """A change could not be made, could not be taken back, or does not verify."""


class EditedError(DeployError):
    """Scripts were edited after they were deployed."""


def object_id(kind: str, info: str) -> str:
    """sqitch's identity of a change or tag: the hash of everything its plan line says."""
    content = info.encode()
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(content)) + content).hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """What changes and tags have in common: who planned them, when, and why."""

    name: str
    note: str
    planned_at: datetime
    planner_name: str
    planner_email: str

    @property
    def signature(self) -> list[str]:
        """The lines that close a hashed info."""
        date = self.planned_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return [f"planner {self.planner_name} <{self.planner_email}>", f"date {date}"]

    @property
    def hashed_note(self) -> list[str]:
        """The note as hashed; like Perl, sqitch takes a note of `0` for none."""
        return ["", self.note] if self.note not in ("", "0") else []


@dataclass(frozen=True, slots=True)
class Tag:
    """A name for the state of the plan after one change; `name` carries the @."""

    id: str
    entry: Entry

    @property
    def name(self) -> str:
        """The tag as registry and scripts' file names spell it."""
        return f"@{self.entry.name}"


@dataclass(frozen=True, slots=True)
class Dependency:
    """A change that must be there before another is deployed, as plan and registry spell it."""

    text: str


@dataclass
class Change:
    """One line of the plan, or one row of the registry that the plan no longer has."""

    id: str
    entry: Entry
    project: Project
    requires: list[Dependency] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    rework_tags: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The change's name, without tags."""
        return self.entry.name

    @property
    def tag_names(self) -> list[str]:
        """The tags on this change, with their @."""
        return [tag.name for tag in self.tags]

    @property
    def title(self) -> str:
        """The name with its tags, as sqitch prints it."""
        return " ".join([self.name, *self.tag_names])

    @property
    def is_reworked(self) -> bool:
        """Whether a later line takes this change's name over, and with it the plain file names."""
        return bool(self.rework_tags)

    @cached_property
    def _file(self) -> str:
        candidates = [f"{self.name}{tag}.sql" for tag in self.rework_tags]
        if not candidates:
            return f"{self.name}.sql"
        folder = self.project.reworked.deploy
        return next((name for name in candidates if (folder / name).exists()), candidates[0])

    @property
    def _scripts(self) -> Scripts:
        return self.project.reworked if self.is_reworked else self.project.scripts

    @property
    def deploy_file(self) -> Path:
        """The script that makes the change."""
        return self._scripts.deploy / self._file

    @property
    def revert_file(self) -> Path:
        """The script that takes it back."""
        return self._scripts.revert / self._file

    @property
    def verify_file(self) -> Path:
        """The script that raises unless the change is in place."""
        return self._scripts.verify / self._file

    @property
    def script_hash(self) -> str | None:
        """The hash of the deploy script as it stands on disk."""
        file = self.deploy_file
        return hashlib.sha1(file.read_bytes()).hexdigest() if file.is_file() else None


class Named(Protocol):
    """What `find` needs to know of a planned or deployed change."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def tag_names(self) -> list[str]: ...


def find(changes: Sequence[Named], key: str, *, first: bool = False) -> int | None:
    """Where `name`, `name@tag`, `@tag`, an ID, @HEAD or @ROOT stands.

    A bare name that stands more than once is an error, unless the `first` will do.
    """
    name, at, tag = key.partition("@")
    ends = {"HEAD": len(changes) - 1, "ROOT": 0}
    last = len(changes) - 1
    if at:
        tagged = (i for i, change in enumerate(changes) if f"@{tag}" in change.tag_names)
        last = ends[tag] if tag in ends else next(tagged, -1)
    hits = [i for i, change in enumerate(changes) if name in (change.name, change.id)]
    if (at and not name) or name in ends:
        hits = [ends.get(name, last)]
    elif at:
        hits = [i for i in hits if i <= last][-1:]
    if len(hits) > 1 and not first:
        choices = [f"{name}{tag}" for i in hits for tag in _qualifiers(changes, i)]
        raise PlanError(f"{name} stands more than once", hint=f"say which: {', '.join(choices)}")
    return hits[0] if hits and hits[0] >= 0 else None


def _qualifiers(changes: Sequence[Named], index: int) -> list[str]:
    later = (tag for change in changes[index:] for tag in change.tag_names)
    return [next(later, "@HEAD")]
