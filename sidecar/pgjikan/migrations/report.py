"""Who is told what a run does, while it does it."""

from __future__ import annotations

from typing import Literal

import psycopg

Action = Literal["deploy", "revert", "verify"]


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
