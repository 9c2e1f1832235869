"""sqitch's registry: what is deployed here, and the log of how it came to be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from pgjikan.errors import PgjikanError
from pgjikan.migrations.project import Project

RELEASE = 1.1
LOCK = 75474063  # sqitch's own, so that the two also wait for each other
DDL = Path(__file__).with_name("registry.sql")
#: pg_temp is named, or a script's temporary table would come before ours.
SEARCH_PATH = "SELECT set_config('search_path', quote_ident(%s) || ', pg_temp', %s)"


class NotDeployedError(PgjikanError):
    """Nothing was ever deployed to this database, or nothing is left of it."""


class LockTimeoutError(PgjikanError):
    """Another deployment did not finish in time."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A change as the registry has it; the plan may have forgotten it since."""

    id: str
    name: str
    note: str
    script_hash: str | None
    tag_names: list[str]
    committed_at: datetime
    committer_name: str
    committer_email: str
    planned_at: datetime
    planner_name: str
    planner_email: str


@dataclass(frozen=True, slots=True)
class Registry:
    """One session on the registry, for one project and one committer."""

    connection: psycopg.Connection[dict[str, Any]]
    project: Project
    plan_name: str

    def exists(self) -> bool:
        """Whether sqitch, or pgjikan, was ever here."""
        row = self.connection.execute(
            "SELECT to_regclass(format('%%I.changes', %s::text)) IS NOT NULL AS found",
            [self.project.registry],
        ).fetchone()
        return bool(row and row["found"])

    def require(self) -> None:
        """Stop unless there is a registry of the version this module writes."""
        if not self.exists():
            raise NotDeployedError(
                "nothing was ever deployed to this database",
                hint="`pgjikan deploy` does; or name another database with --dsn",
            )
        row = self.connection.execute("SELECT max(version) AS version FROM releases").fetchone()
        version = round(row["version"] or 0, 2) if row else 0
        if version != RELEASE:
            raise PgjikanError(
                f"the registry is of sqitch's version {version}, known here is {RELEASE}",
                hint="`sqitch upgrade` brings an older one up to date",
            )

    def create(self) -> None:
        """Make the registry's tables, as sqitch would on its first deploy."""
        with self.connection.transaction():
            self.connection.execute(
                sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(
                    sql.Identifier(self.project.registry)
                )
            )
            self.connection.execute(DDL.read_bytes())
            self.connection.execute(
                "INSERT INTO releases (version, installer_name, installer_email)"
                " VALUES (%s, %s, %s)",
                [RELEASE, self.project.committer_name, self.project.committer_email],
            )

    def register(self) -> None:
        """Enter the project, or make sure that the entry is this project and not a namesake."""
        row = self.connection.execute(
            "SELECT uri FROM projects WHERE project = %s", [self.plan_name]
        ).fetchone()
        if row is None:
            self.connection.execute(
                "INSERT INTO projects (project, creator_name, creator_email) VALUES (%s, %s, %s)",
                [self.plan_name, self.project.committer_name, self.project.committer_email],
            )
        elif row["uri"] is not None:
            raise PgjikanError(
                f"the registry knows another project {self.plan_name}, with the URI {row['uri']}",
                hint="name another database, or a registry of your own: --registry NAME",
            )

    def lock(self) -> bool:
        """Become the only one to deploy or revert here, unless somebody else is."""
        row = self.connection.execute("SELECT pg_try_advisory_lock(%s) AS held", [LOCK]).fetchone()
        return bool(row and row["held"])

    def wait_for_lock(self, seconds: float) -> None:
        """Wait for the other one to finish, but not for ever."""
        with self._patience(seconds):
            self.connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])

    def settle(self, seconds: float) -> None:
        """Wait until what a killed deployment was about to commit has landed, or not."""
        with self._patience(seconds), self.change():
            pass

    @contextmanager
    def _patience(self, seconds: float) -> Iterator[None]:
        self.connection.execute(
            "SELECT set_config('lock_timeout', %s, false)", [f"{round(seconds * 1000) or 1}ms"]
        )
        try:
            yield
        except psycopg.errors.LockNotAvailable as error:
            raise LockTimeoutError(
                f"another deployment holds this database; gave up after {seconds:g} s",
                hint="run the command again; deploying twice does no harm",
            ) from error
        self.connection.execute("RESET lock_timeout")

    @contextmanager
    def change(self) -> Iterator[None]:
        """The transaction of one change; nobody else writes changes meanwhile, but all may read."""
        with self.connection.transaction():
            self.lock_changes()
            yield

    def lock_changes(self) -> None:
        """Keep others from writing changes until the open transaction ends."""
        table = sql.Identifier(self.project.registry, "changes")
        self.connection.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(table))

    def joined_to(self, connection: psycopg.Connection[dict[str, Any]]) -> Registry:
        """The same registry, written in the transaction that `connection` has open."""
        connection.execute(SEARCH_PATH, [self.project.registry, True])
        return replace(self, connection=connection)

    def require_lock(self) -> None:
        """Raises psycopg.OperationalError if this session, and with it the lock, is gone."""
        self.connection.execute("SELECT")

    def deployed(self) -> list[Deployed]:
        """The project's deployed changes, oldest first."""
        with self.connection.cursor(row_factory=class_row(Deployed)) as cursor:
            return cursor.execute(
                """
                SELECT c.change_id AS id, c.change AS name, c.note, c.script_hash,
                       ARRAY(SELECT t.tag FROM tags AS t WHERE t.change_id = c.change_id
                             ORDER BY t.tag) AS tag_names,
                       c.committed_at, c.committer_name, c.committer_email,
                       c.planned_at, c.planner_name, c.planner_email
                FROM changes AS c
                WHERE c.project = %s
                ORDER BY c.committed_at
                """,
                [self.plan_name],
            ).fetchall()

    def dependents(self, change_id: str) -> list[tuple[str, str]]:
        """The (ID, name) of every deployed change, of any project, that requires this one."""
        rows = self.connection.execute(
            """
            SELECT c.change_id, CASE WHEN c.project = %s THEN '' ELSE c.project || ':' END
                   || c.change AS name
            FROM dependencies AS d
            JOIN changes AS c ON c.change_id = d.change_id
            WHERE d.dependency_id = %s
            """,
            [self.plan_name, change_id],
        )
        return [(row["change_id"], row["name"]) for row in rows]

    def events(self, event: str | None) -> list[dict[str, Any]]:
        """The history of every project in this registry, newest first."""
        return self.connection.execute(
            """
            SELECT event, project, change_id, change, note, requires, conflicts, tags,
                   committed_at, committer_name, committer_email,
                   planned_at, planner_name, planner_email
            FROM events
            WHERE %(event)s::text IS NULL OR event = %(event)s
            ORDER BY committed_at DESC
            """,
            {"event": event},
        ).fetchall()
