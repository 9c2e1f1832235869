"""The lane that talks to Jikan: lease a task, wait for its turn, ask, say what came back."""

from __future__ import annotations

from threading import Event
from typing import Literal

import structlog

from pgjikan import db, meters
from pgjikan.client import JikanClient, Response
from pgjikan.settings import Settings

log = structlog.get_logger()


class JikanLane:
    """Works off tasks of lane jikan, one at a time; every decision about them is SQL's."""

    name: Literal["jikan"] = "jikan"

    def __init__(self, connect: db.Connect, settings: Settings, stop: Event, worker: str) -> None:
        self._connect = connect
        self._settings = settings
        self._stop = stop
        self._worker = worker
        self._connection: db.Connection | None = None
        self._unrecorded: tuple[db.Task, str, Response] | None = None
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
        first hands in what had been fetched.
        """
        connection = self._connected()
        if self._unrecorded is not None:
            self._record(connection, *self._unrecorded)
        tasks = db.claim(connection, worker=self._worker, lane=self.name, max_tasks=1)
        if not tasks:
            return False
        [task] = tasks
        slot = db.reserve_request(connection, task)
        if slot is None or self._stop.wait(slot.wait.total_seconds()):
            db.release(connection, task)
            return False
        self._record(connection, task, slot.provider, self._ask(task, slot))
        return True

    def close(self) -> None:
        """Hand back what is held and hang up; harmless when the server is gone."""
        if self._connection is not None and not self._connection.closed:
            db.release_worker(self._connection, worker=self._worker)
            self._connection.close()
        self._client.close()

    def _connected(self) -> db.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
            db.announce_keys(self._connection, names=list(self._settings.server_keys))
        return self._connection

    def _ask(self, task: db.Task, slot: db.Slot) -> Response:
        override = self._settings.jikan_url if slot.is_first else None
        key = self._settings.server_keys.get(slot.provider)
        return self._client.fetch_task(
            task.task,
            {**task.payload, "mal_id": task.mal_id},
            base_url=str(override) if override else slot.base_url,
            key_header=slot.key_header,
            key=key.get_secret_value() if key else None,
        )

    def _record(
        self, connection: db.Connection, task: db.Task, provider: str, response: Response
    ) -> None:
        self._unrecorded = (task, provider, response)
        verdict = db.record_response(connection, task, provider, response)
        self._unrecorded = None
        meters.REQUEST_SECONDS.labels(provider, response.outcome).observe(
            response.elapsed_ms / 1000
        )
        meters.TASKS.labels(self.name, task.task, verdict).inc()
        log.info(
            "fetch_completed",
            task=task.task,
            task_id=task.id,
            mal_id=task.mal_id,
            provider=provider,
            outcome=response.outcome,
            status=response.status,
            bytes=response.bytes,
            ms=response.elapsed_ms,
            verdict=verdict,
            message=response.message or None,
        )
