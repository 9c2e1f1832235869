"""A thread that hears the queue's NOTIFY and wakes the lanes; the rows are the truth."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event, Thread

import structlog

from pgjikan.connection import is_lent
from pgjikan.db import Connect
from pgjikan.worker import Backoff, keep_going

log = structlog.get_logger()

#: Seconds of one wait; bounds how late a stop is noticed.
SLICE = 0.5

POOLED = (
    "This address is a pooler's, which cannot pass on notifications: work is found by polling. "
    "PGJIKAN_LISTEN_DSN takes the server's own address."
)


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
        keep_going("listener", self._stop_event, self._listen, lambda: None)

    def _listen(self, backoff: Backoff) -> None:
        with self._connect() as connection:
            can_listen = not is_lent(connection, self._connect)
            if can_listen:
                connection.execute("LISTEN jikan_sync")
                backoff.reset()
                self._wake_all()
            while can_listen and not self._stop_event.is_set():
                for _ in connection.notifies(timeout=SLICE, stop_after=1):
                    self._wake_all()
        if not can_listen:
            log.warning("listener_off", hint=POOLED)
            self._stop_event.wait()

    def _wake_all(self) -> None:
        for event in self._wake:
            event.set()
