"""Upstreams that take their time: two requests under way, one task that waits for its moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Lock, Thread

from pydantic import HttpUrl

from pgjikan import sidecar
from pgjikan.jikan_lane import JikanLane
from pgjikan.settings import Settings
from pgjikan.simulator import Simulator

from .conftest import Database

DONE = "SELECT count(*) FROM jikan_sync.queue_history WHERE outcome = 'done'"
LEASED = "SELECT count(lease_token) FROM jikan_sync.queue"


def wait_until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.01)


def test_a_hanging_request_does_not_hold_up_the_others(
    live: Database, database: str, simulated: str
) -> None:
    live.unlimited()
    live.run("SELECT jikan_sync.enqueue_many('anime', '{1, 5, 6, 7}')")
    stop = Event()
    jikan = Simulator(dsn=simulated)
    jikan.start()
    jikan.fault("timeout", next=1)
    settings = Settings(jikan_url=HttpUrl(jikan.url), poll_seconds=0.05)
    thread = Thread(target=sidecar.run, args=[["jikan"], database, settings, stop])
    thread.start()
    try:
        wait_until(lambda: live.value(DONE) == 3)
        assert live.value(LEASED) == 1
    finally:
        stop.set()
        jikan.stop()  # which ends the request
        thread.join()


def test_what_is_asked_for_while_a_task_waits_for_its_moment_is_next(
    db: Database, simulator: Simulator, open_lane: Callable[..., JikanLane]
) -> None:
    db.run("UPDATE jikan_sync.provider SET per_second = NULL, per_minute = 9, per_day = NULL")
    db.run("SELECT jikan_sync.enqueue_many('anime', '{1, 5, 6}')")
    turn, stops = Lock(), [Event(), Event()]
    lanes = [open_lane(simulator.url, stop, turn) for stop in stops]
    threads = [Thread(target=lane.step) for lane in lanes]
    db.reserve()  # at last: all of this has to happen before its six seconds are over
    threads[0].start()
    wait_until(lambda: db.value(LEASED) == 1)
    threads[1].start()
    wait_until(
        lambda: db.value(
            "SELECT count(*) = 2 FROM pg_stat_activity"
            " WHERE application_name = 'test lane' AND datname = current_database()"
        )
    )
    db.run("SELECT jikan_sync.enqueue('anime', 9, priority => 'high')")
    stops[0].set()
    threads[0].join()
    wait_until(lambda: db.value(LEASED) == 1)
    assert db.value("SELECT mal_id FROM jikan_sync.queue WHERE leased_by = 'lane-1'") == 9
    stops[1].set()
    threads[1].join()
    assert db.value(LEASED) == 0


def test_a_canary_is_not_waited_for_as_long(
    db: Database, simulator: Simulator, open_lane: Callable[..., JikanLane]
) -> None:
    for title in range(5):
        db.report("upstream_error", f"anime:{title}")
    db.advance("30 seconds")
    simulator.fault("timeout")
    db.run("SELECT jikan_sync.enqueue_many('anime', '{1}')")
    lane = open_lane(simulator.url, canary_deadline=0.1)
    assert lane.step()
    assert db.breaker() == "open"
