"""A thread that hears the queue's NOTIFY and wakes the lanes; the rows are the truth."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event, Thread

import structlog

from pgjikan.db import AWAY, Connect
from pgjikan.worker import Backoff

log = structlog.get_logger()

#: Seconds of one wait; bounds how late a stop is noticed.
SLICE = 0.5


class Listener(Thread):
    """Listens on channel ``jikan_sync`` and sets every event in ``wake`` at a notification.

    After a reconnect it wakes them too: what was notified meanwhile was not heard.
    """

    def __init__(self, connect: Connect, *, wake: Sequence[Event], stop: Event) -> None:
        super().__init__(name="listener", daemon=True)
        self._connect = connect
        self._wake = wake
        self._stop_event = stop

    def run(self) -> None:
        """Listen until ``stop`` is set, through any number of lost connections."""
        backoff = Backoff(self._stop_event)
        while not self._stop_event.is_set():
            try:
                with self._connect() as connection:
                    connection.execute("LISTEN jikan_sync")
                    backoff.reset()
                    self._wake_all()
                    while not self._stop_event.is_set():
                        for _ in connection.notifies(timeout=SLICE, stop_after=1):
                            self._wake_all()
            except AWAY as error:
                log.warning("listener_lost", error=" ".join(str(error).split()))
                backoff.wait()

    def _wake_all(self) -> None:
        for event in self._wake:
            event.set()
