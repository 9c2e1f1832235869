"""The errors a person meets: what happened, and what to do about it."""

from __future__ import annotations


class PgjikanError(Exception):
    """Something pgjikan was asked to do could not be done.

    The message says what happened; ``hint`` says what to do. The command line prints both and
    exits 1.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
