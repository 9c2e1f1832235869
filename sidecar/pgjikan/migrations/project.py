"""Where the sqitch project lies, and who deploys it."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pgjikan
from pgjikan.errors import PgjikanError

PACKAGE = Path(pgjikan.__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Scripts:
    """The three folders in which one kind of change keeps its scripts."""

    deploy: Path
    revert: Path
    verify: Path


@dataclass(frozen=True, slots=True)
class Project:
    """A sqitch project on disk, its folders as our sqitch.conf names them to stock sqitch."""

    root: Path
    registry: str
    committer_name: str
    committer_email: str

    @property
    def plan_file(self) -> Path:
        """The plan."""
        return self.root / "sqitch.plan"

    @property
    def scripts(self) -> Scripts:
        """Where the newest scripts of each change are."""
        db = self.root / "db"
        return Scripts(db, db / "revert", db / "verify")

    @property
    def reworked(self) -> Scripts:
        """Where scripts stay that a rework has replaced."""
        folder = self.root / "db" / "reworked"
        return Scripts(folder / "deploy", folder / "revert", folder / "verify")

    def relative(self, script: Path) -> str:
        """The path of `script` as a person at the project's root would type it."""
        return os.path.relpath(script, self.root)


def find_root(override: Path | None = None) -> Path:
    """The project asked for, else the one in the wheel, else the checkout around the package."""
    given = (override.resolve(),) if override else ()
    for root in given or (PACKAGE / "_project", PACKAGE.parents[1]):
        if (root / "sqitch.plan").is_file():
            return root
    raise PgjikanError(
        f"no sqitch project in {override}" if override else "no sqitch.plan beside the package",
        hint="--project (or PGJIKAN_PROJECT) names the folder that holds sqitch.plan",
    )


def load_project(root: Path, environ: Mapping[str, str] = os.environ) -> Project:
    """The project in a folder; who deploys is told by sqitch's variables, else by the system."""
    user, full_name = _system_user(environ)
    return Project(
        root=root,
        registry=environ.get("PGJIKAN_REGISTRY") or "sqitch",
        committer_name=environ.get("SQITCH_FULLNAME") or full_name,
        committer_email=environ.get("SQITCH_EMAIL") or f"{user}@{socket.gethostname()}",
    )


def _system_user(environ: Mapping[str, str]) -> tuple[str, str]:
    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:
        name = environ.get("LOGNAME") or environ.get("USER") or "pgjikan"
        return name, name
    return entry.pw_name, entry.pw_gecos.split(",")[0] or entry.pw_name
