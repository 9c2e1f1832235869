"""A database whose upstreams are free, and words for what a worker does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

Row = dict[str, Any]


@dataclass
class Queue:
    """The queue as its users see it: everything through the functions of jikan_sync."""

    connection: psycopg.Connection[Any]

    def one(self, query: str, *values: Any) -> Any:
        row = self.connection.execute(query, values).fetchone()
        return None if row is None else row[0]

    def rows(self, query: str, *values: Any) -> list[Row]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values).fetchall()

    def add(self, task: str = "anime", mal_id: int | None = None, **arguments: Any) -> Any:
        if "payload" in arguments:
            arguments["payload"] = psycopg.types.json.Jsonb(arguments["payload"])
        named = "".join(f", {name} => %({name})s" for name in arguments)
        return self.connection.execute(
            f"SELECT jikan_sync.enqueue(%(task)s, %(mal_id)s{named})",
            {"task": task, "mal_id": mal_id} | arguments,
        ).fetchone()[0]  # type: ignore[index]

    def claim(self, count: int = 1, worker: str = "w", lane: str = "jikan") -> list[Row]:
        return self.rows("SELECT * FROM jikan_sync.claim(%s, %s, %s)", worker, lane, count)

    def complete(self, task: Row) -> Any:
        return self.one("SELECT jikan_sync.complete(%s, %s)", task["id"], task["lease_token"])

    def fail(self, task: Row, error_class: str = "row", retry_after: str | None = None) -> Any:
        return self.one(
            "SELECT jikan_sync.fail(%s, %s, %s, 'why', %s)",
            task["id"],
            task["lease_token"],
            error_class,
            retry_after,
        )

    def live(self, task_id: int) -> Row:
        [row] = self.rows("SELECT * FROM jikan_sync.queue WHERE id = %s", task_id)
        return row

    def mirror(self, *mal_ids: int) -> None:
        """Put titles into the mirror, and nothing into the queue."""
        self.connection.execute(
            "INSERT INTO jikan.anime (mal_id, titles, title, core_hash, last_jikan_sync)"
            " SELECT m, '[]', 'Title ' || m, 0, jikan_sync.clock_now() FROM unnest(%s::int[]) AS m",
            [list(mal_ids)],
        )
        self.connection.execute("DELETE FROM jikan_sync.queue")


@pytest.fixture
def queue(connection: psycopg.Connection[Any], set_clock: Callable[[str], None]) -> Queue:
    set_clock("2030-01-01 12:00:00Z")
    return Queue(connection)
