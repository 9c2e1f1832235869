"""The errors a person meets: what happened, and what to do about it."""

from __future__ import annotations

import psycopg

from pgjikan.redaction import redacted

#: Undefined schema, table, function, column: our own queries name only what we deploy.
NOT_DEPLOYED = {"3F000", "42P01", "42883", "42703"}


class PgjikanError(Exception):
    """Something pgjikan was asked to do could not be done.

    The message says what happened; ``hint`` says what to do. The command line prints both and
    exits 1.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def in_short(error: BaseException) -> str:
    """One line of what went wrong, without a query, a value or a secret, for logs and tasks."""
    said = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    code = f" {error.sqlstate}" if isinstance(error, psycopg.Error) and error.sqlstate else ""
    told = " ".join(redacted(said or str(error)).split())
    return f"{type(error).__name__}{code}: {told}"[:500]


def from_database(error: psycopg.Error) -> PgjikanError:
    """What the server said, without its query and its context, and what to do about it."""
    said = error.diag.message_primary
    if error.sqlstate in NOT_DEPLOYED:
        return PgjikanError(
            f"pgjikan is not deployed in this database, or is older than this command ({said})",
            hint="pgjikan deploy",
        )
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return PgjikanError(
            f"this login may not do that: {said}",
            hint="The login is that of --dsn, else of DATABASE_URL or PGUSER. Use the one that "
            "deploys, or grant it jikan_owner; apps need anime_reader, sidecars jikan_sidecar.",
        )
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        return PgjikanError(
            f"the database did not answer: {' '.join(str(error).split())}",
            hint="Check --dsn or DATABASE_URL; `pgjikan server status` tells of the embedded "
            "server.",
        )
    told = " ".join(filter(None, (said or str(error), error.diag.message_detail)))
    return PgjikanError(" ".join(told.split()), hint=error.diag.message_hint)
