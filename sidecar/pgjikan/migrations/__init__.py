"""Migrations that stock sqitch and pgjikan can both carry out, on one plan and one registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from pgjikan.migrations.change import Change, DeployError, EditedError, PlanError
from pgjikan.migrations.plan import Plan, load_plan
from pgjikan.migrations.project import Project, find_root, load_project
from pgjikan.migrations.registry import LockTimeoutError, NotDeployedError
from pgjikan.migrations.report import Action, Reporter
from pgjikan.migrations.runner import Runner
from pgjikan.migrations.script import ScriptError
from pgjikan.migrations.state import Status, read_log, read_status

__all__ = [
    "LOCK_TIMEOUT",
    "Action",
    "Change",
    "DeployError",
    "EditedError",
    "LockTimeoutError",
    "NotDeployedError",
    "PlanError",
    "Project",
    "Reporter",
    "ScriptError",
    "Status",
    "deploy",
    "find_root",
    "load_project",
    "log",
    "own_plan",
    "revert",
    "status",
    "verify",
]

Mode = Literal["all", "change", "tag"]
LOCK_TIMEOUT = 60.0  # seconds, as sqitch


def own_project() -> Project:
    """The project that comes with the package."""
    return load_project(find_root())


def own_plan() -> Plan:
    """The plan that comes with the package."""
    return load_plan(own_project())


def deploy(
    conninfo: str,
    project: Project | None = None,
    *,
    to: str | None = None,
    mode: Mode = "all",
    verify: bool = True,
    lock_timeout: float = LOCK_TIMEOUT,
    reporter: Reporter | None = None,
) -> int:
    """Deploy pending changes, each verified; how many.

    When a change fails it leaves nothing behind, and what this run deployed before it is reverted:
    all of it, only what follows the last tag, or (`change`) none of it.
    """
    runner = Runner(conninfo, project or own_project(), reporter or Reporter(), lock_timeout)
    return runner.deploy(to, mode, verify)


def revert(
    conninfo: str,
    project: Project | None = None,
    *,
    to: str | None = None,
    confirm: Callable[[Sequence[Change]], bool] = lambda changes: True,
    lock_timeout: float = LOCK_TIMEOUT,
    reporter: Reporter | None = None,
) -> int:
    """Revert all changes, or those deployed after `to`, once `confirm` agreed; how many."""
    runner = Runner(conninfo, project or own_project(), reporter or Reporter(), lock_timeout)
    return runner.revert(to, confirm)


def verify(
    conninfo: str,
    project: Project | None = None,
    *,
    start: str | None = None,
    to: str | None = None,
    reporter: Reporter | None = None,
) -> int:
    """Run the verify scripts of what is deployed, all of them before failing; how many."""
    runner = Runner(conninfo, project or own_project(), reporter or Reporter(), LOCK_TIMEOUT)
    return runner.verify(start, to)


def status(conninfo: str, project: Project | None = None) -> Status:
    """What is deployed, what is pending, and which scripts were edited since."""
    return read_status(conninfo, project or own_project())


def log(
    conninfo: str, project: Project | None = None, *, event: str | None = None
) -> list[dict[str, Any]]:
    """The history of deploys, reverts and failures, newest first."""
    return read_log(conninfo, project or own_project(), event)
