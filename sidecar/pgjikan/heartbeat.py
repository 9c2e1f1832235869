"""A thread that says that the sidecar is alive."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event, Thread

import psycopg

from pgjikan import db
from pgjikan.worker import Backoff, keep_going


class Heartbeat(Thread):
    """Beats every so many seconds until ``stop`` is set.

    The first beat shows whether this can ever work: where the schema or a privilege is missing,
    ``failure`` says so and the process stops. What fails later is waited out.
    """

    def __init__(
        self, connect: db.Connect, *, worker: str, lanes: Sequence[str], seconds: float, stop: Event
    ) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self.failure: psycopg.Error | None = None
        self._connect = connect
        self._worker = worker
        self._lanes = lanes
        self._seconds = seconds
        self._stop_event = stop
        self._has_beaten = False

    def run(self) -> None:
        """Beat, through any number of lost connections."""
        keep_going("heartbeat", self._stop_event, self._beat, lambda: None)

    def _beat(self, backoff: Backoff) -> None:
        try:
            with self._connect() as connection:
                while not self._stop_event.is_set():
                    db.heartbeat(connection, worker=self._worker, lanes=self._lanes)
                    self._has_beaten = True
                    backoff.reset()
                    self._stop_event.wait(self._seconds)
        except psycopg.ProgrammingError as error:
            if self._has_beaten:
                raise
            self.failure = error
            self._stop_event.set()
