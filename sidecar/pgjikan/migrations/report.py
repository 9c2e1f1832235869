"""Who is told what a run does, while it does it."""

from __future__ import annotations

from typing import Literal

import psycopg

from pgjikan.migrations.change import Change

Action = Literal["deploy", "revert", "verify"]

#: What the server says of a thing that is there: table, function, role or type, schema, row.
_THERE = {"42P07", "42723", "42710", "42P06", "23505"}


class Reporter:
    """Hears of every step as it happens; this one keeps it to itself."""

    def message(self, text: str) -> None:
        """Something to know that is no step."""

    def begin(self, action: Action, title: str) -> None:
        """A change's script is about to run."""

    def notice(self, text: str) -> None:
        """The server remarked on the script."""

    def end(self, milliseconds: float, error: Exception | None) -> None:
        """The script ended, well or not."""


def explain(error: Exception) -> str:
    """The error in words; a server's error that no script caused, with its SQLSTATE."""
    if isinstance(error, psycopg.Error) and error.sqlstate:
        detail = f"\nDETAIL: {error.diag.message_detail}" if error.diag.message_detail else ""
        return f"{error.diag.message_primary} ({error.sqlstate}){detail}"
    return str(error).rstrip()


def is_there(error: Exception) -> bool:
    """Whether a script failed because what it makes is there."""
    return any(
        isinstance(each, psycopg.Error) and each.sqlstate in _THERE
        for each in (error, error.__cause__)
    )


def way_out(change: Change) -> str:
    """What to do where a change was made and its entry in the registry is not there."""
    return (
        f"{change.title} seems to be in the database and is not in sqitch's registry. If nobody "
        "else made what is there: take it back with its revert script, which deletes what it "
        "holds (first those of changes after it, newest first), and run the same command again: "
        f"psql -v ON_ERROR_STOP=1 -f {change.revert_file}"
    )
