"""What deploys and reverts write into sqitch's registry, row for row as sqitch does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pgjikan.migrations.change import Change, Entry
from pgjikan.migrations.registry import Registry

Event = Literal["deploy", "revert", "fail"]


@dataclass(frozen=True, slots=True)
class Journal:
    """The writing hand on a registry."""

    registry: Registry

    def log_deploy(self, change: Change, resolved: Mapping[str, str]) -> None:
        """Enter a change with its dependencies (`resolved` to IDs by their text) and its tags."""
        self.registry.connection.execute(
            """
            INSERT INTO changes (
                change_id, script_hash, change, project, note, planned_at, planner_name,
                planner_email, committer_name, committer_email)
            VALUES (%(id)s, %(script_hash)s, %(change)s, %(project)s, %(note)s, %(planned_at)s,
                    %(planner_name)s, %(planner_email)s, %(name)s, %(email)s)
            """,
            {"id": change.id, "script_hash": change.script_hash, **self._facts(change.entry)},
        )
        # One statement: executemany is a pipeline, and what interrupts one is told as its failure.
        needs = [need.text for need in change.requires]
        self.registry.connection.execute(
            """
            INSERT INTO dependencies (change_id, type, dependency, dependency_id)
            SELECT %s, 'require', need.name, need.id
            FROM unnest(%s::text [], %s::text []) AS need (name, id)
            """,
            [change.id, needs, [resolved[need] for need in needs]],
        )
        self.log_new_tags(change)
        self._log_planned("deploy", change)

    def log_new_tags(self, change: Change) -> None:
        """Enter those of a deployed change's tags that are not there yet."""
        for tag in change.tags:
            self.registry.connection.execute(
                """
                INSERT INTO tags (
                    tag_id, tag, project, change_id, note, planned_at, planner_name,
                    planner_email, committer_name, committer_email)
                SELECT %(id)s, '@' || %(change)s, %(project)s, %(change_id)s, %(note)s,
                       %(planned_at)s, %(planner_name)s, %(planner_email)s, %(name)s, %(email)s
                WHERE NOT EXISTS (SELECT FROM tags WHERE tag_id = %(id)s)
                """,
                {"id": tag.id, "change_id": change.id, **self._facts(tag.entry)},
            )

    def log_failure(self, change: Change) -> None:
        """Note in the history that a change could not be deployed."""
        self._log_planned("fail", change)

    def log_revert(self, change: Change) -> None:
        """Strike a change with its tags and dependencies, and note it in the history."""
        tags = self.registry.connection.execute(
            "DELETE FROM tags WHERE change_id = %s RETURNING tag", [change.id]
        ).fetchall()
        needs = self.registry.connection.execute(
            "SELECT dependency FROM dependencies WHERE change_id = %s", [change.id]
        ).fetchall()
        self.registry.connection.execute("DELETE FROM changes WHERE change_id = %s", [change.id])
        self._log_event(
            "revert",
            change,
            tags=[row["tag"] for row in tags],
            requires=[row["dependency"] for row in needs],
        )

    def _log_planned(self, event: Event, change: Change) -> None:
        self._log_event(
            event,
            change,
            tags=change.tag_names,
            requires=[need.text for need in change.requires],
        )

    def _log_event(
        self,
        event: Event,
        change: Change,
        *,
        tags: Sequence[str],
        requires: Sequence[str],
    ) -> None:
        self.registry.connection.execute(
            """
            INSERT INTO events (
                event, change_id, change, project, note, requires, conflicts, tags, planned_at,
                planner_name, planner_email, committer_name, committer_email)
            VALUES (%(event)s, %(id)s, %(change)s, %(project)s, %(note)s, %(requires)s,
                    '{}', %(tags)s, %(planned_at)s, %(planner_name)s, %(planner_email)s,
                    %(name)s, %(email)s)
            """,
            {
                "event": event,
                "id": change.id,
                "tags": list(tags),
                "requires": list(requires),
                **self._facts(change.entry),
            },
        )

    def _facts(self, entry: Entry) -> dict[str, object]:
        return {
            "change": entry.name,
            "project": self.registry.plan_name,
            "note": entry.note,
            "planned_at": entry.planned_at,
            "planner_name": entry.planner_name,
            "planner_email": entry.planner_email,
            "name": self.registry.project.committer_name,
            "email": self.registry.project.committer_email,
        }
