"""Everything goes wrong at once, and nothing is lost; a provider dies, and work goes on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest

from pgjikan.jikan_lane import JikanLane
from pgjikan.simulator import Simulator
from tests.conftest import Simulate
from tests.simulator.titles import titles

from .conftest import Database

FACETS = (
    "SELECT jikan_sync.enqueue_many('facet', %s, payload => jsonb_build_object('facet', %s::text))"
)

HASTY = {
    "connect_timeout": 0.5,
    "read_timeout": 0.3,
    "request_deadline": 0.6,
    "max_body_bytes": 1_000_000,
}


@pytest.fixture(autouse=True)
def hurry(db: Database) -> None:
    """No limits, and no waiting for a pause: the clock is moved on instead."""
    db.unlimited()
    db.set(upstream_patience="0")


def drain(db: Database, lane: JikanLane, *, hours: float = 24) -> None:
    """Work until the queue is empty, moving the clock on whenever nothing is due."""
    steps = int(hours * 3600 / 5)
    while db.value("SELECT EXISTS (SELECT FROM jikan_sync.queue AS q WHERE q.lane = 'jikan')"):
        if not lane.step():
            steps -= 1
            assert steps > 0, db.rows("SELECT * FROM jikan_sync.queue WHERE lane = 'jikan'")
            db.advance("5 seconds")


def test_a_storm_loses_nothing_and_blames_nobody(
    db: Database, open_lane: Callable[..., JikanLane], simulate: Simulate
) -> None:
    with simulate(seed=20_261_123) as jikan:
        known = [title["mal_id"] for title in titles()]
        db.run("SELECT jikan_sync.enqueue_many('anime', %s)", known)
        db.run(FACETS, known[:20], "images")
        db.run("SELECT jikan_sync.start_sync_run('catalogue')")
        db.run("SELECT jikan_sync.start_sync_run('season', season => 'now')")
        for query in ("cowboy bebop", "no such thing at all", "naruto shippuuden"):
            db.run("SELECT jikan_sync.request_search(%s)", query)
        jikan.fault("storm", rate=0.7)
        lane = open_lane(jikan.url, **HASTY)
        storm = 150
        while storm:
            storm -= 1
            if not lane.step():
                db.advance("5 seconds")
        faults = jikan.stats()["faults"]
        jikan.clear_faults()
        drain(db, lane)
        published = jikan.stats()["titles"]

    assert len(faults) > 15, "that was no storm"
    blamed = db.rows(
        "SELECT DISTINCT h.error_class FROM jikan_sync.queue_history AS h"
        " WHERE h.outcome <> 'done' ORDER BY 1"
    )
    assert [name for (name,) in blamed if name != "row"] == ["provider_down", "rate_limited"]
    unfair = db.rows(
        "SELECT h.message FROM jikan_sync.queue_history AS h WHERE h.error_class = 'row'"
        " AND h.message ~ '(HTTP (429|5..|403|410|3..))|timed out|reset|Connection'"
    )
    assert unfair == [], "a provider's fault was charged to a title"
    assert db.value("SELECT count(*) FROM jikan_sync.dead_letter") == 0
    assert db.value("SELECT count(*) FROM jikan.anime") >= published
    assert db.value("SELECT count(*) FROM jikan.anime AS a WHERE a.removed_at IS NOT NULL") == 0
    assert db.breaker() == "closed"
    assert db.rows("SELECT r.state FROM jikan_sync.sync_run AS r") == [("finished",)] * 2
    assert db.value("SELECT count(*) FROM jikan_sync.search_request WHERE state = 'fetched'") == 3


@pytest.mark.parametrize("death", ["stopped", "503", "timeout"])
def test_work_goes_on_at_the_second_and_returns(
    db: Database, open_lane: Callable[..., JikanLane], simulate: Simulate, death: str
) -> None:
    with ExitStack() as stack:
        second = stack.enter_context(simulate())
        first = stack.enter_context(simulate())
        db.run("SELECT jikan_sync.set_provider('tenrai', %s)", first.url)
        db.run("SELECT jikan_sync.set_provider('jikan', %s)", second.url)
        db.run("SELECT jikan_sync.enable_provider('jikan')")
        lane = open_lane(**HASTY)
        db.run("SELECT jikan_sync.start_sync_run('catalogue')")
        assert lane.step()
        assert (first.stats()["total"], second.stats()["total"]) == (1, 0)

        first.stop() if death == "stopped" else first.fault(death)
        died_at = _now(db)
        while second.stats()["total"] == 0:
            if not lane.step():
                db.advance("1 second")
        assert _now(db) - died_at < timedelta(seconds=30)
        drain(db, lane)
        assert db.value("SELECT count(*) FROM jikan.anime") == second.stats()["titles"]

        # Enough work to see who does it, and then the first comes back.
        db.run("SELECT jikan_sync.enqueue_many('anime', array_agg(a.mal_id)) FROM jikan.anime AS a")
        for _ in range(20):
            if not lane.step():
                db.advance("1 second")
        if death == "stopped":
            first = stack.enter_context(simulate(port=first.port))
        first.clear_faults()
        before, back_at = _answered(first), _now(db)
        while _answered(first) == before:
            lane.step()
            db.advance("1 second")
            assert _now(db) - back_at < timedelta(minutes=1), "not found again within a minute"
        drain(db, lane)
        assert db.breaker() == "closed"
        assert db.value("SELECT count(*) FROM jikan_sync.dead_letter") == 0


def _now(db: Database) -> datetime:
    now: datetime = db.value("SELECT jikan_sync.clock_now()")
    return now


def _answered(jikan: Simulator) -> int:
    return int(jikan.stats()["by_status"].get("200", 0))
