"""The SQL functions that the sidecar calls, one Python function each; no decision is made here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from pgjikan import __version__
from pgjikan.client import Response
from pgjikan.settings import with_application_name

Connection = psycopg.Connection[Any]
Connect = Callable[[], Connection]

#: What a call raises while the server is away, or may only read (a standby): nothing is wrong with
#: the call, so wait and call again.
AWAY = (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction)


@dataclass(frozen=True, slots=True)
class Request:
    """A leased task and its moment at a provider, as ``jikan_sync.claim_request`` returns it."""

    id: int
    task: str
    mal_id: int | None
    payload: dict[str, Any]
    lease_token: UUID
    provider: str
    base_url: str
    key_header: str | None
    wait: timedelta
    is_canary: bool
    is_first: bool


def connector(dsn: str, name: str, *, time_limit: str = "60s") -> Connect:
    """A function that opens an autocommit connection with bounded waits, named ``name``.

    ``time_limit`` is what a statement may take; jobs have none ("0"), building an index takes long.
    """
    conninfo = with_application_name(
        dsn,
        name,
        options=f"-c statement_timeout={time_limit} -c idle_in_transaction_session_timeout=60s",
        keepalives_idle="10",
        keepalives_interval="5",
        keepalives_count="3",
        tcp_user_timeout="20000",
    )

    def connect() -> Connection:
        return psycopg.connect(conninfo, autocommit=True)

    return connect


def claim_request(connection: Connection, *, worker: str) -> Request | None:
    """Lease the next task of lane jikan and reserve its moment; None when there is none."""
    with connection.cursor(row_factory=class_row(Request)) as cursor:
        return cursor.execute(
            "SELECT r.* FROM jikan_sync.claim_request(worker => %(worker)s) AS r",
            {"worker": worker},
        ).fetchone()


def record_response(connection: Connection, request: Request, response: Response) -> str:
    """Say what came back for a request; answers what became of it: done, retry, dead or lost."""
    retry_after = response.retry_after_seconds
    verdict: str = _value(
        connection,
        "SELECT jikan_sync.record_response(task_id => %(task_id)s, lease_token => %(lease_token)s, "
        "provider => %(provider)s, outcome => %(outcome)s, status => %(status)s, body => %(body)s, "
        "retry_after => %(retry_after)s, elapsed_ms => %(elapsed_ms)s, bytes => %(bytes)s, "
        "message => %(message)s)",
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


def announce_keys(connection: Connection, *, names: list[str]) -> None:
    """Say for which providers there is a server key, so that their limits with a key hold."""
    connection.execute("SELECT jikan_sync.announce_keys(names => %(names)s)", {"names": names})


def tick(connection: Connection) -> int:
    """Run the jobs that are overdue, each in a transaction of its own; how many ran."""
    count = 0
    while _value(connection, "SELECT jikan_sync.tick(max_jobs => 1)", {}):
        count += 1
    return count


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
