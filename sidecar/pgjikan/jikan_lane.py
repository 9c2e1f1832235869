"""The lane that talks to Jikan: lease a task, wait for its turn, ask, say what came back."""

from __future__ import annotations

from threading import Event, Lock
from typing import Literal

import structlog

from pgjikan import db, meters
from pgjikan.client import JikanClient, Response
from pgjikan.settings import Settings

log = structlog.get_logger()


class JikanLane:
    """Works off tasks of lane jikan, one at a time; every decision about them is SQL's.

    Lanes that share a ``turn`` have requests under way together, but only one of them holds a task
    that waits for its moment, so a high one that comes meanwhile is next.
    """

    name: Literal["jikan"] = "jikan"

    def __init__(
        self,
        connect: db.Connect,
        settings: Settings,
        stop: Event,
        worker: str,
        turn: Lock | None = None,
    ) -> None:
        self._connect = connect
        self._turn = turn or Lock()
        self._settings = settings
        self._stop = stop
        self.worker = worker
        self._connection: db.Connection | None = None
        self._unrecorded: tuple[db.Request, Response] | None = None
        self._in_doubt = False
        self._client = JikanClient(
            contact=settings.contact,
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
            deadline=settings.request_deadline,
            max_bytes=settings.max_body_bytes,
        )

    def step(self) -> bool:
        """Do one task; False when none was due or the process is stopping.

        Raises psycopg.OperationalError when the server is gone; the next step connects again and
        first hands in what had been fetched, and hands back what a claim may have leased whose
        answer was lost: else that would wait until the lease ends.
        """
        connection = self._connected()
        if self._unrecorded is not None:
            self._record(connection, *self._unrecorded)
        with self._turn:
            if self._in_doubt:
                db.release_worker(connection, worker=self.worker)
            self._in_doubt = True
            request = db.claim_request(connection, worker=self.worker)
            self._in_doubt = False
            if request is None:
                return False
            if self._stop.wait(request.wait.total_seconds()):
                db.release(connection, request)
                return False
        self._record(connection, request, self._ask(request))
        return True

    def close(self) -> None:
        """Hand back what is held and hang up; harmless when the server is gone."""
        if self._connection is not None and not self._connection.closed:
            db.release_worker(self._connection, worker=self.worker)
            self._connection.close()
        self._client.close()

    def _connected(self) -> db.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
            db.announce_keys(self._connection, names=list(self._settings.server_keys))
        return self._connection

    def _ask(self, request: db.Request) -> Response:
        override = self._settings.jikan_url if request.is_first else None
        key = self._settings.server_keys.get(request.provider)
        return self._client.fetch_task(
            request.task,
            {**request.payload, "mal_id": request.mal_id},
            base_url=str(override.get_secret_value()) if override else request.base_url,
            key_header=request.key_header,
            key=key.get_secret_value() if key else None,
            deadline=self._settings.canary_deadline if request.is_canary else None,
        )

    def _record(self, connection: db.Connection, request: db.Request, response: Response) -> None:
        self._unrecorded = (request, response)
        verdict = db.record_response(connection, request, response)
        self._unrecorded = None
        meters.REQUEST_SECONDS.labels(request.provider, response.outcome).observe(
            response.elapsed_ms / 1000
        )
        meters.TASKS.labels(self.name, request.task, verdict).inc()
        log.info(
            "fetch_completed",
            task=request.task,
            task_id=request.id,
            mal_id=request.mal_id,
            provider=request.provider,
            outcome=response.outcome,
            status=response.status,
            bytes=response.bytes,
            ms=response.elapsed_ms,
            verdict=verdict,
            message=response.message or None,
        )
