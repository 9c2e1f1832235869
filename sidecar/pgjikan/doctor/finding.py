"""What a check gets and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import psycopg

from pgjikan.settings import Settings

Verdict = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: how it is, and the command that mends it."""

    check: str
    verdict: Verdict
    message: str
    mend: str | None = None


@dataclass(frozen=True, slots=True)
class Patient:
    """The installation under examination."""

    dsn: str
    connection: psycopg.Connection[Any]
    settings: Settings
    offline: bool = False

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.connection.execute(query.encode(), values or None).fetchall()

    def one(self, query: str, *values: Any) -> Any:
        """The first column of the first row; None without a row."""
        row = self.connection.execute(query.encode(), values or None).fetchone()
        return None if row is None else row[0]


Check = Callable[[Patient], Iterator[Finding]]
