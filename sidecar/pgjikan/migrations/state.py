"""What the database has, held against what the plan says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pgjikan.migrations.change import Change, DeployError, EditedError, Entry, PlanError, Tag
from pgjikan.migrations.plan import Plan, load_plan
from pgjikan.migrations.project import Project
from pgjikan.migrations.registry import Deployed, NotDeployedError
from pgjikan.migrations.registry_session import read_registry


@dataclass(frozen=True, slots=True)
class Status:
    """Where a database stands."""

    project: str
    last: Deployed
    deployed_count: int
    pending: list[str]
    drifted: list[str]  # changes whose deploy script was edited after it ran

    @property
    def is_current(self) -> bool:
        """Whether the database is what the plan and its scripts say."""
        return not self.pending and not self.drifted


def read_status(conninfo: str, project: Project) -> Status:
    """The status; raises NotDeployedError where there is none."""
    plan = load_plan(project)
    with read_registry(conninfo, plan) as registry:
        registry.require()
        deployed = registry.deployed()
    if not deployed:
        raise NotDeployedError(f"no change of {plan.name} is deployed", hint="pgjikan deploy")
    position = position_of(plan, deployed)
    return Status(
        project=plan.name,
        last=deployed[-1],
        deployed_count=len(deployed),
        pending=[change.title for change in plan.changes[position + 1 :]],
        drifted=[change.title for change in edited(plan, deployed)],
    )


def read_log(conninfo: str, project: Project, event: str | None) -> list[dict[str, Any]]:
    """The registry's events, newest first."""
    with read_registry(conninfo, load_plan(project)) as registry:
        registry.require()
        return registry.events(event)


def position_of(plan: Plan, deployed: Sequence[Deployed]) -> int:
    """Where in the plan the database stands; -1 before the first change."""
    if not deployed:
        return -1
    position = plan.index_of(deployed[-1].id)
    if position is None:
        raise PlanError(
            f"the plan does not know the deployed change {deployed[-1].name} ({deployed[-1].id})",
            hint="a newer pgjikan deployed it: upgrade this one; or its line, or one before it, "
            "was edited since: restore the plan, or revert and deploy",
        )
    return position


def deployed_changes(plan: Plan, deployed: Sequence[Deployed]) -> list[Change]:
    """The deployed changes as the plan has them or, where it has lost them, as the registry has."""
    changes = []
    for i, row in enumerate(deployed):
        index = plan.index_of(row.id)
        if index is not None:
            changes.append(plan.changes[index])
            continue
        entry = Entry(row.name, row.note, row.planned_at, row.planner_name, row.planner_email)
        later = (j for j in range(i + 1, len(deployed)) if deployed[j].name == row.name)
        reworked = range(next(later, i) - 1, i - 1, -1)
        changes.append(
            Change(
                row.id,
                entry,
                plan.project,
                tags=[Tag("", replace(entry, name=tag[1:])) for tag in row.tag_names],
                rework_tags=[tag for j in reworked for tag in deployed[j].tag_names],
            )
        )
    return changes


def edited(plan: Plan, deployed: Sequence[Deployed]) -> list[Change]:
    """The deployed changes whose script is no longer the one that ran."""
    return [
        change
        for change, row in zip(deployed_changes(plan, deployed), deployed, strict=True)
        if change.script_hash != row.script_hash
    ]


def require_unedited(plan: Plan, deployed: Sequence[Deployed]) -> None:
    """Stop where the database has another text of a change than the plan's scripts."""
    changes = edited(plan, deployed)
    if not changes:
        return
    names = [change.title for change in changes]
    first = plan.index_of(changes[0].id) or 0
    if any(change.tags for change in plan.changes[first:]):
        hint = (
            "a released script stays as it is: restore it, and bring the new text as a rework "
            f"(sqitch rework {changes[0].name})"
        )
    else:
        to = f" --to {plan.changes[first - 1].name}" if first else ""
        hint = (
            f"before the first release: pgjikan revert{to}, which deletes what those changes "
            "hold, then pgjikan deploy"
        )
    raise EditedError(
        f"{len(names)} deployed changes have another script than this plan: {', '.join(names)}",
        hint=hint,
    )


def resolve(plan: Plan, deployed: Sequence[Deployed], pending: Sequence[Change]) -> dict[str, str]:
    """The ID behind each requirement of the pending changes, by its text.

    That they are deployed follows: the plan has each on an earlier line, and an ID says what is
    before it.
    """
    present = {row.id for row in deployed}
    if again := [change.title for change in pending if change.id in present]:
        raise DeployError(
            f"deployed already, but out of the plan's order: {', '.join(again)}",
            hint="restore the plan it was deployed from",
        )
    return {need.text: plan.change_of(need).id for change in pending for need in change.requires}
