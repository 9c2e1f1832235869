"""Jobs of a test's own, beside or instead of the shipped ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest


@dataclass
class Clockwork:
    """jikan_sync.job without the shipped jobs, and a table that counts what ran."""

    connection: psycopg.Connection[Any]

    def one(self, query: str, *values: Any) -> Any:
        row = self.connection.execute(query, values).fetchone()
        return None if row is None else row[0]

    def rows(self, query: str, *values: Any) -> list[Any]:
        return self.connection.execute(query, values).fetchall()

    def add(self, name: str, period: str, at: str = "0", command: str | None = None) -> None:
        command = command or f"INSERT INTO public.ran VALUES ('{name}') RETURNING 7"
        self.connection.execute(
            "INSERT INTO jikan_sync.job (name, period, at, command, description, created_at)"
            " VALUES (%s, %s, %s, %s, 'of a test', jikan_sync.clock_now())",
            [name, period, at, command],
        )

    def tick(self, moment: str | None = None) -> list[str]:
        """Tick, after setting the clock where a moment is named; return what ran."""
        if moment is not None:
            self.connection.execute("SELECT jikan_sync.clock_set(%s)", [moment])
        self.connection.execute("DELETE FROM public.ran")
        self.connection.execute("SELECT jikan_sync.tick()")
        return [name for (name,) in self.rows("SELECT name FROM public.ran ORDER BY name")]


@pytest.fixture
def clockwork(connection: psycopg.Connection[Any], set_clock: Callable[[str], None]) -> Clockwork:
    set_clock("2030-01-01 12:00:00Z")
    connection.execute("DELETE FROM jikan_sync.job")
    connection.execute("CREATE TABLE public.ran (name text)")
    connection.execute("GRANT ALL ON public.ran TO jikan_owner")
    return Clockwork(connection)
