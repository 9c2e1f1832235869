"""The sidecar process: threads of lanes, a listener and a heartbeat; the main thread waits."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Lock, Thread
from types import FrameType
from uuid import uuid4

import psycopg
import structlog

from pgjikan import db
from pgjikan.embedding_lane import EmbeddingLane
from pgjikan.errors import from_database, in_short
from pgjikan.heartbeat import Heartbeat
from pgjikan.jikan_lane import JikanLane
from pgjikan.job_lane import JobLane
from pgjikan.listener import Listener
from pgjikan.settings import Settings
from pgjikan.worker import Lane, Worker

log = structlog.get_logger()

LANES = ("jikan", "embedding")

#: Seconds that the further requests of a lane leave to its first, to be out in milliseconds.
HEAD_START = 0.05

#: Seconds that a stop waits for lanes to finish, and then for what they still hold to be handed
#: back for them: together, and with the end of the process, under the 5 that are promised.
GRACE, LAST_WORD = 3.0, 1.2


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
    was_told = False

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal was_told
        if was_told:
            os._exit(128 + number)
        was_told = True
        # In a thread: what was interrupted may hold the very lock that is needed.
        Thread(target=stop.set, name="stop", daemon=True).start()

    previous = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def run(names: Sequence[str], dsn: str, settings: Settings, stop: Event) -> list[str]:
    """Work the lanes until ``stop``; returns once they have finished or released what they held.

    Answers the threads that are still in the middle of something: they hold nothing any more, but
    the end of the process should not wait for them.

    Raises PgjikanError when this database can never be worked on. Nothing else ends it: a task
    that fails is charged, a thread that fails begins anew after a pause.
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
        db.connector(settings.listener_dsn(dsn), "pgjikan listener"),
        wake=[worker.wake for worker in workers],
        stop=stop,
    )
    jobs = JobLane(db.connector(dsn, "pgjikan tick", time_limit="0"), worker_name("jobs"))
    workers.append(Worker(jobs, stop=stop, poll_seconds=settings.tick_seconds))
    heartbeat = Heartbeat(
        db.connector(dsn, "pgjikan heartbeat"),
        worker=worker_name("sidecar"),
        lanes=names,
        seconds=settings.tick_seconds,
        stop=stop,
    )
    threads = [*workers, listener, heartbeat]
    try:
        for thread in threads:
            thread.start()
        log.info("sidecar_started", lanes=list(names), pid=os.getpid())
        stop.wait()
    finally:
        stop.set()
        for worker in workers:
            worker.wake.set()
        _join(threads, GRACE)
        late = [thread.name for thread in threads if thread.is_alive()]
        _release(db.connector(dsn, "pgjikan stop"), [w.lane for w in workers if w.is_alive()])
        log.info("sidecar_stopped", late=late)
    if heartbeat.failure is not None:
        raise from_database(heartbeat.failure)
    return late


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


def _join(threads: Sequence[Thread], seconds: float) -> None:
    until = time.monotonic() + seconds
    for thread in threads:
        if thread.ident is not None:
            thread.join(max(0.0, until - time.monotonic()))


def _release(connect: db.Connect, late: Sequence[Lane]) -> None:
    """Hand back what lanes hold that are still in the middle of something, if that can be done."""

    def release(lane: Lane) -> None:
        try:
            lane.cancel(LAST_WORD)  # a hand-in that waits for a lock would hold the task's row
            with connect() as connection:
                db.release_worker(connection, worker=lane.worker)
        except psycopg.Error as error:
            log.warning("not_released", lane=lane.name, error=in_short(error))

    threads = [Thread(target=release, args=[lane], daemon=True) for lane in late]
    for thread in threads:
        thread.start()
    _join(threads, LAST_WORD)
