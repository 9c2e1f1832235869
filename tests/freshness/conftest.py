"""A mirror with titles of known age."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest


@dataclass
class Mirror:
    """Titles put straight into the table, as old as a test wants them."""

    connection: psycopg.Connection[Any]

    def run(self, query: str, *values: Any) -> None:
        self.connection.execute(query, values)

    def one(self, query: str, *values: Any) -> Any:
        row = self.connection.execute(query, values).fetchone()
        return None if row is None else row[0]

    def advance(self, step: str) -> None:
        self.run("SELECT jikan_sync.clock_advance(%s::interval)", step)

    def add(
        self,
        *mal_ids: int,
        status: str | None = "Finished Airing",
        removed: bool = False,
        members: int = 0,
    ) -> None:
        """Add titles whose every facet is fresh now; nothing is queued for them."""
        self.run(
            "INSERT INTO jikan.anime (mal_id, titles, title, core_hash, full_hash, status, members,"
            " last_jikan_sync, full_synced_at, sync_status)"
            " SELECT m, '[]', 'Title ' || m, 0, 0, %s, %s, n, n, 'fresh'"
            " FROM unnest(%s::int[]) AS m, jikan_sync.clock_now() AS n",
            status,
            members,
            list(mal_ids),
        )
        self.run(
            "SELECT jikan_sync.note_stored(f.name, m, jikan_sync.clock_now())"
            " FROM unnest(%s::int[]) AS m, jikan_sync.facet AS f",
            list(mal_ids),
        )
        if removed:
            self.run(
                "UPDATE jikan.anime SET missing_count = 3, first_missing_at = last_jikan_sync,"
                " last_missing_at = last_jikan_sync, removed_at = last_jikan_sync"
                " WHERE mal_id = ANY(%s)",
                list(mal_ids),
            )
        self.run("UPDATE jikan.anime SET sync_status = 'fresh' WHERE mal_id = ANY(%s)", [*mal_ids])
        self.run("DELETE FROM jikan_sync.queue")

    def stale(self, ahead: str = "0") -> list[int]:
        return self.one(  # type: ignore[no-any-return]
            "SELECT coalesce(array_agg(mal_id ORDER BY mal_id), '{}')"
            " FROM jikan_sync.stale_core(%s::interval)",
            ahead,
        )

    def fold(self) -> None:
        """Make tasks of what was wished for, as a claim would."""
        self.run("SELECT jikan_sync.fold_wishes()")

    def tasks(self) -> dict[str, str]:
        """Return what waits, wishes included: dedupe key to priority."""
        self.fold()
        return dict(
            self.connection.execute(
                "SELECT dedupe_key, priority FROM jikan_sync.queue ORDER BY id"
            ).fetchall()
        )


@pytest.fixture
def mirror(connection: psycopg.Connection[Any], set_clock: Callable[[str], None]) -> Mirror:
    set_clock("2030-01-01 12:00:00Z")
    return Mirror(connection)
