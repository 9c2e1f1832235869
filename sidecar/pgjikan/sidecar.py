"""The sidecar process: a thread per lane, a listener, and a heartbeat on the main thread."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Lock
from types import FrameType
from uuid import uuid4

import structlog

from pgjikan import db
from pgjikan.embedding_lane import EmbeddingLane
from pgjikan.errors import PgjikanError
from pgjikan.jikan_lane import JikanLane
from pgjikan.job_lane import JobLane
from pgjikan.listener import Listener
from pgjikan.settings import Settings
from pgjikan.worker import Backoff, Lane, Worker

log = structlog.get_logger()

LANES = ("jikan", "embedding")

#: Seconds that the further requests of a lane leave to its first, to be out in milliseconds.
HEAD_START = 0.05

#: Seconds that a stop waits for lanes to finish; what they still hold then is handed back for them.
GRACE = 4.0


def worker_name(lane: str) -> str:
    """A name that no other worker of any sidecar has, and that tells where it runs."""
    return f"{socket.gethostname()}:{os.getpid()}:{lane}:{uuid4().hex[:8]}"


def open_lanes(
    names: Sequence[str], dsn: str, settings: Settings, stop: Event, *, jikan_requests: int = 1
) -> list[Lane]:
    """The named lanes, each with a connection of its own; of lane jikan as many as requests."""
    turn = Lock()
    lanes: list[Lane] = []
    for name in names:
        connect = db.connector(dsn, f"pgjikan {name}")
        if name == "jikan":
            lanes += [
                JikanLane(connect, settings, stop, worker_name(name), turn)
                for _ in range(jikan_requests)
            ]
        else:
            lanes.append(EmbeddingLane(connect, settings, stop, worker_name(name)))
    return lanes


@contextmanager
def stop_on_signals(stop: Event) -> Iterator[None]:
    """Set ``stop`` at the first SIGTERM or SIGINT; the second ends the process at once."""

    def handle(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    previous = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def run(names: Sequence[str], dsn: str, settings: Settings, stop: Event) -> None:
    """Work the lanes until ``stop``; returns once they have finished or released what they held.

    Raises PgjikanError when a lane died of a bug.
    """
    lanes = open_lanes(names, dsn, settings, stop, jikan_requests=settings.jikan_requests)
    workers = [
        Worker(
            lane,
            stop=stop,
            poll_seconds=settings.poll_seconds,
            head_start=HEAD_START if any(lane.name == other.name for other in lanes[:n]) else 0.0,
        )
        for n, lane in enumerate(lanes)
    ]
    listener = Listener(
        db.connector(dsn, "pgjikan listener"), wake=[worker.wake for worker in workers], stop=stop
    )
    jobs = JobLane(db.connector(dsn, "pgjikan tick", time_limit="0"), worker_name("jobs"))
    workers.append(Worker(jobs, stop=stop, poll_seconds=settings.tick_seconds))
    threads = [*workers, listener]
    for thread in threads:
        thread.start()
    log.info("sidecar_started", lanes=list(names), pid=os.getpid())
    _beat_until(stop, db.connector(dsn, "pgjikan heartbeat"), settings.tick_seconds, names)
    for worker in workers:
        worker.wake.set()
    until = time.monotonic() + GRACE
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    _release(db.connector(dsn, "pgjikan stop"), [w.lane for w in workers if w.is_alive()])
    died = sorted({worker.lane.name for worker in workers if worker.failure})
    log.info("sidecar_stopped", late=[thread.name for thread in threads if thread.is_alive()])
    if died:
        raise PgjikanError(
            f"the lane {' and '.join(died)} died of a bug",
            hint="The log line `lane_died` has the traceback; please report it.",
        )


def run_once(names: Sequence[str], dsn: str, settings: Settings, stop: Event) -> int:
    """Run overdue jobs, drain the lanes until nothing is due, and return the steps done."""
    with db.connector(dsn, "pgjikan tick", time_limit="0")() as connection:
        db.heartbeat(connection, worker=worker_name("once"), lanes=names)
        db.tick(connection)
    lanes = open_lanes(names, dsn, settings, stop)
    steps = 0
    try:
        while not stop.is_set() and any([lane.step() for lane in lanes]):
            steps += 1
    finally:
        for lane in lanes:
            lane.close()
    return steps


def _release(connect: db.Connect, late: Sequence[Lane]) -> None:
    """Hand back what lanes hold that are still in the middle of a request."""
    if not late:
        return
    try:
        with connect() as connection:
            for lane in late:
                db.release_worker(connection, worker=lane.worker)
    except db.AWAY as error:
        log.warning("database_lost", error=" ".join(str(error).split()))


def _beat_until(stop: Event, connect: db.Connect, seconds: float, lanes: Sequence[str]) -> None:
    backoff = Backoff(stop)
    worker = worker_name("sidecar")
    while not stop.is_set():
        try:
            with connect() as connection:
                while not stop.is_set():
                    db.heartbeat(connection, worker=worker, lanes=lanes)
                    backoff.reset()
                    stop.wait(seconds)
        except db.AWAY as error:
            log.warning("database_lost", error=" ".join(str(error).split()))
            backoff.wait()
