"""The lane that talks to Jikan: lease a task, wait for its turn, ask, say what came back."""

from __future__ import annotations

from threading import Event, Lock
from typing import Literal

import structlog

from pgjikan import db, meters
from pgjikan.client import JikanClient, Response
from pgjikan.errors import in_short
from pgjikan.session import Session
from pgjikan.settings import Settings

log = structlog.get_logger()

#: An answer that has lost the connection so often when it was handed in is what loses it.
HAND_INS = 5


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
        self._session = Session(connect)
        self._turn = turn or Lock()
        self._settings = settings
        self._stop = stop
        self.worker = worker
        self._unrecorded: tuple[db.Request, Response] | None = None
        self._tries = 0
        self._in_doubt = False
        self._is_introduced = False
        self._client = JikanClient(
            contact=settings.contact,
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
            deadline=settings.request_deadline,
            max_bytes=settings.max_body_bytes,
        )

    def step(self) -> bool:
        """Do one task; False when none was due or the process is stopping.

        Whatever a task raises, here or in SQL, is charged to that task. Raises what `db.is_away`
        knows when the server is gone; the next step connects again and first hands in what had
        been fetched, and hands back what a claim may have leased whose answer was lost: else that
        would wait until the lease ends.
        """
        if self._unrecorded is not None:
            self._hand_in(*self._unrecorded)
        with self._turn:
            if self._in_doubt:
                self._session.call(db.release_worker, worker=self.worker)
            self._in_doubt = True
            request = self._session.call(
                db.claim_request, worker=self.worker, keys=list(self._settings.server_keys)
            )
            self._in_doubt = False
            if request is None:
                return False
            if not self._is_introduced:
                self._client.introduce(self._session.call(db.mirror_id))
                self._is_introduced = True
            if self._stop.wait(request.wait.total_seconds()):
                self._session.call(db.release, request)
                return False
        try:
            response = self._ask(request)
        except Exception as error:
            self._charge(request, error)
        else:
            self._hand_in(request, response)
        return True

    def cancel(self, seconds: float) -> None:
        """From another thread: end what the server does for it, and let nothing begin any more."""
        self._session.cancel(seconds)

    def reset(self) -> None:
        """Give back what is held, and begin anew on another connection."""
        self._unrecorded = None
        self._tries = 0
        self._in_doubt = True
        self._session.close()
        self._session.call(db.release_worker, worker=self.worker)
        self._in_doubt = False

    def close(self) -> None:
        """Hand back what is held and hang up."""
        self._client.close()
        try:
            if self._session.was_used:
                self._session.call(db.release_worker, worker=self.worker)
        finally:
            self._session.close()

    def _ask(self, request: db.Request) -> Response:
        override = self._settings.jikan_url if request.is_first else None
        key = self._settings.server_keys[request.provider] if request.is_keyed else None
        return self._client.fetch_task(
            request.task,
            request.path,
            mal_id=request.mal_id,
            base_url=str(override.get_secret_value()) if override else request.base_url,
            key_header=request.key_header,
            key=key.get_secret_value() if key else None,
            deadline=self._settings.canary_deadline if request.is_canary else None,
        )

    def _hand_in(self, request: db.Request, response: Response) -> None:
        """Say what came back; a task whose answer fails on a living server, or kills it, pays."""
        self._unrecorded = (request, response)
        self._session.open()
        self._tries += 1
        try:
            verdict = self._session.call(db.record_response, request, response)
        except Exception as error:
            if db.is_away(error) and self._tries < HAND_INS:
                raise
            self._charge(request, error)
            return
        self._settled()
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

    def _charge(self, request: db.Request, error: Exception) -> None:
        """A bug costs the task that met it an attempt, and nobody else anything."""
        message = in_short(error)
        log.exception("task_failed", task=request.task, task_id=request.id, mal_id=request.mal_id)
        verdict = self._session.call(db.fail, request, error_class="bug", message=message)
        self._settled()
        meters.TASKS.labels(self.name, request.task, verdict).inc()

    def _settled(self) -> None:
        self._unrecorded = None
        self._tries = 0
