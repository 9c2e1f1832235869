"""The SQL functions that the sidecar calls, one Python function each; no decision is made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import class_row, tuple_row

from pgjikan import __version__
from pgjikan.client import Response
from pgjikan.connection import Connect as Connect
from pgjikan.connection import Connection as Connection
from pgjikan.connection import connect

#: What a server answers that cannot work just now, whatever it is asked: it starts or stops, may
#: only read (a standby), has no disk or connection left, or lets nobody in.
_READ_ONLY = "25006"
_NOT_NOW = ("08", "28", "3D", _READ_ONLY, "25P03", "53100", "53300", "57P0")


def is_away(error: BaseException) -> bool:
    """Whether the server is away or cannot work: nothing is wrong with the call, so call again.

    Else it lives and the statement itself has failed, or this code has.
    """
    if not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate is None:
        return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
    return error.sqlstate.startswith(_NOT_NOW)


def only_reads(error: BaseException) -> bool:
    """Whether the server is a standby now: of several hosts another is the primary."""
    return isinstance(error, psycopg.Error) and error.sqlstate == _READ_ONLY


@dataclass(frozen=True, slots=True)
class Request:
    """A leased task and its moment at a provider, as ``jikan_sync.claim_request`` returns it."""

    id: int
    task: str
    mal_id: int | None
    payload: dict[str, Any]
    path: str
    lease_token: UUID
    provider: str
    base_url: str
    key_header: str | None
    wait: timedelta
    is_canary: bool
    is_first: bool
    is_keyed: bool


def connector(dsn: str, name: str, *, time_limit: str = "60s") -> Connect:
    """A function that opens an autocommit connection with bounded waits, named ``name``.

    ``time_limit`` is what a statement may take; jobs have none ("0"), building an index takes long.
    """
    return partial(
        connect,
        dsn,
        name,
        settings={
            "statement_timeout": time_limit,
            "idle_in_transaction_session_timeout": "60s",
        },
    )


def claim_request(
    connection: Connection, *, worker: str, keys: Sequence[str] = ()
) -> Request | None:
    """Lease the next task of lane jikan and reserve its moment; None when there is none.

    ``keys`` names the providers for which this process has a server key.
    """
    with connection.cursor(row_factory=class_row(Request)) as cursor:
        return cursor.execute(
            "SELECT r.id, r.task, r.mal_id, r.payload, r.path, r.lease_token, r.provider, "
            "r.base_url, r.key_header, r.wait, r.is_canary, r.is_first, r.is_keyed "
            "FROM jikan_sync.claim_request(worker => %(worker)s, keys => %(keys)s::text[]) AS r",
            {"worker": worker, "keys": list(keys)},
        ).fetchone()


def record_response(connection: Connection, request: Request, response: Response) -> str:
    """Say what came back for a request; answers what became of it: done, retry, dead or lost."""
    retry_after = response.retry_after_seconds
    verdict: str = _value(
        connection,
        "SELECT jikan_sync.record_response(task_id => %(task_id)s, lease_token => %(lease_token)s, "
        "provider => %(provider)s, outcome => %(outcome)s, status => %(status)s, body => %(body)s, "
        "retry_after => %(retry_after)s, elapsed_ms => %(elapsed_ms)s, bytes => %(bytes)s, "
        "message => %(message)s, is_keyed => %(is_keyed)s, moved_to => %(moved_to)s)",
        {
            "task_id": request.id,
            "lease_token": request.lease_token,
            "provider": request.provider,
            "outcome": response.outcome,
            "status": response.status,
            "body": response.body,
            "retry_after": None if retry_after is None else timedelta(seconds=retry_after),
            "elapsed_ms": response.elapsed_ms,
            "bytes": response.bytes,
            "message": response.message,
            "is_keyed": request.is_keyed,
            "moved_to": response.moved_to,
        },
    )
    return verdict


def fail(connection: Connection, request: Request, *, error_class: str, message: str) -> str:
    """Charge a task with what went wrong; answers retry, dead or lost."""
    verdict: str = _value(
        connection,
        "SELECT jikan_sync.fail(task_id => %(task_id)s, lease_token => %(lease_token)s, "
        "error_class => %(error_class)s, message => %(message)s)",
        {
            "task_id": request.id,
            "lease_token": request.lease_token,
            "error_class": error_class,
            "message": message,
        },
    )
    return verdict


def release(connection: Connection, request: Request) -> bool:
    """Give a task back as it was."""
    was_held: bool = _value(
        connection,
        "SELECT jikan_sync.release(task_id => %(task_id)s, lease_token => %(lease_token)s)",
        {"task_id": request.id, "lease_token": request.lease_token},
    )
    return was_held


def release_worker(connection: Connection, *, worker: str) -> int:
    """Give back whatever a worker still holds."""
    count: int = _value(
        connection, "SELECT jikan_sync.release_worker(worker => %(worker)s)", {"worker": worker}
    )
    return count


def mirror_id(connection: Connection) -> str:
    """A name of the database among all, for upstreams."""
    name: str = _value(connection, "SELECT jikan_sync.mirror_id()", {})
    return name


def tick(connection: Connection) -> int:
    """Run the jobs that are overdue, each in a transaction of its own; how many ran."""
    count = 0
    while _value(connection, "SELECT jikan_sync.tick(max_jobs => 1)", {}):
        count += 1
    return count


def deployed_changes(
    connection: Connection, *, schema: str = "jikan_sync"
) -> list[tuple[str, str, str | None]]:
    """The deployed changes (id, name, hash of the script), oldest first; none: it cannot tell."""
    queries: dict[str, LiteralString] = {
        "jikan_sync": "SELECT d.* FROM jikan_sync.deployed_changes() AS d",
        "anime": "SELECT d.* FROM anime.deployed_changes() AS d",
    }
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(queries[schema]).fetchall()


def heartbeat(connection: Connection, *, worker: str, lanes: Sequence[str]) -> None:
    """Say that a sidecar is alive."""
    _value(
        connection,
        "SELECT jikan_sync.heartbeat("
        "worker => %(worker)s, lanes => %(lanes)s, version => %(version)s)",
        {"worker": worker, "lanes": list(lanes), "version": __version__},
    )


def _value(connection: Connection, query: LiteralString, parameters: dict[str, Any]) -> Any:
    row = connection.execute(query, parameters).fetchone()
    assert row is not None  # a function call answers one row
    return row[0]
