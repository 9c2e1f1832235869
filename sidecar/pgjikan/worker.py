"""A thread that works a lane: drain it, wait to be woken, never die of a lost server."""

from __future__ import annotations

import random
from threading import Event, Thread
from typing import Protocol

import psycopg
import structlog

from pgjikan.db import AWAY

log = structlog.get_logger()

#: Seconds between two tries to reach a lost server grow from the first to the second.
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

    def close(self) -> None:
        """Give back what is held."""


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
        self.failure: BaseException | None = None
        self._stop_event = stop
        self._poll_seconds = poll_seconds
        self._head_start = head_start

    def run(self) -> None:
        """Drain, wait, and again; a lost server is waited for, a bug ends the process."""
        backoff = Backoff(self._stop_event)
        try:
            while not self._stop_event.is_set():
                try:
                    self._drain(backoff)
                    self.wake.wait(self._poll_seconds)
                    self._stop_event.wait(self._head_start)
                except AWAY as error:
                    log.warning("database_lost", lane=self.lane.name, error=_one_line(error))
                    backoff.wait()
        except BaseException as error:
            self.failure = error
            log.exception("lane_died", lane=self.lane.name)
            self._stop_event.set()
        finally:
            try:
                self.lane.close()
            except psycopg.Error as error:
                log.warning("database_lost", lane=self.lane.name, error=_one_line(error))

    def _drain(self, backoff: Backoff) -> None:
        while not self._stop_event.is_set():
            self.wake.clear()  # before looking: what is queued from now on wakes again
            if not self.lane.step():
                backoff.reset()
                return
            backoff.reset()


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
