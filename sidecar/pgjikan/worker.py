"""A thread that works a lane: drain it, wait to be woken, and go on whatever happens."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Protocol

import structlog

from pgjikan.db import is_away
from pgjikan.errors import in_short

log = structlog.get_logger()

#: Seconds between two tries of what failed grow from the first to the second.
BACKOFF = (0.1, 30.0)


class Lane(Protocol):
    """Something that does tasks one step at a time."""

    @property
    def name(self) -> str: ...

    @property
    def worker(self) -> str:
        """The name that its leases carry."""

    def step(self) -> bool:
        """Do what is due; False when there was nothing."""

    def reset(self) -> None:
        """After a failure that no task explains: give back what is held, and begin anew."""

    def cancel(self, seconds: float) -> None:
        """From another thread: end what the server does for it, and let nothing begin any more."""

    def close(self) -> None:
        """Give back what is held, and hang up."""


class Backoff:
    """Waits that double up to a cap, with jitter, until something succeeds."""

    def __init__(self, stop: Event) -> None:
        self._stop = stop
        self._seconds = BACKOFF[0]

    def wait(self) -> None:
        """Wait the next time; returns at once when the process stops."""
        self._stop.wait(self._seconds * random.uniform(0.5, 1.0))
        self._seconds = min(self._seconds * 2, BACKOFF[1])

    def reset(self) -> None:
        """Start over after a success."""
        self._seconds = BACKOFF[0]


def keep_going(
    name: str, stop: Event, work: Callable[[Backoff], object], reset: Callable[[], object]
) -> None:
    """Do ``work`` again and again until ``stop``; whatever it raises costs a pause, not the thread.

    A lost server is waited for; after anything else ``reset`` cleans up first.
    """
    backoff = Backoff(stop)
    while not stop.is_set():
        try:
            work(backoff)
        except BaseException as error:
            if is_away(error):
                log.warning("database_lost", part=name, error=in_short(error))
            else:
                log.exception("part_failed", part=name, error=in_short(error))
                try:
                    reset()
                except BaseException as another:
                    log.warning("reset_failed", part=name, error=in_short(another))
            backoff.wait()


class Worker(Thread):
    """Runs a lane until ``stop`` is set; ``wake`` cuts the wait between two looks short.

    ``head_start`` is what it leaves, once awake, to another that is woken with it: threads that
    start together hold each other up.
    """

    def __init__(
        self, lane: Lane, *, stop: Event, poll_seconds: float, head_start: float = 0.0
    ) -> None:
        super().__init__(name=f"lane-{lane.name}", daemon=True)
        self.lane = lane
        self.wake = Event()
        self._stop_event = stop
        self._poll_seconds = poll_seconds
        self._head_start = head_start

    def run(self) -> None:
        """Drain, wait, and again; at the end give back what is held."""
        keep_going(self.lane.name, self._stop_event, self._look, self.lane.reset)
        with suppress(Exception):  # then the leases run out
            self.lane.close()

    def _look(self, backoff: Backoff) -> None:
        self._drain(backoff)
        if not self._stop_event.is_set():
            self.wake.wait(self._poll_seconds)
            self._stop_event.wait(self._head_start)

    def _drain(self, backoff: Backoff) -> None:
        has_more = True
        while has_more:
            self.wake.clear()  # before looking: what is queued from now on wakes again
            if self._stop_event.is_set():  # after the clear: a stop wakes too
                return
            has_more = self.lane.step()
            backoff.reset()
