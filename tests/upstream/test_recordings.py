"""The real lane against what Jikan really answered: recordings, with their traps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pgjikan.jikan_lane import JikanLane
from pgjikan.simulator import Simulator

from .conftest import Database


def test_recorded_answers_go_all_the_way(
    db: Database, shared: Path, open_lane: Callable[..., JikanLane]
) -> None:
    db.unlimited()
    with Simulator(shared / "jikan" / "recorded") as jikan:
        ids = [1, 20, 21, 52991]
        db.run("SELECT jikan_sync.enqueue_many('anime', %s)", ids)
        db.run("SELECT jikan_sync.enqueue_many('pictures', %s)", ids)
        db.run("SELECT jikan_sync.enqueue_many('reviews', %s)", ids)
        db.run("SELECT jikan_sync.start_sync_run('season', 2024, 'fall')")
        db.run("SELECT jikan_sync.start_sync_run('season', season => 'now')")
        db.run("SELECT jikan_sync.request_search('frieren')")
        lane = open_lane(jikan.url)
        for _ in range(100):
            if not lane.step():
                db.advance("20 seconds")
        statuses = jikan.stats()["by_status"]
    assert statuses["200"] > 10
    assert db.value("SELECT count(*) FROM jikan_sync.queue WHERE lane = 'jikan'") == 0
    assert db.rows("SELECT DISTINCT r.state FROM jikan_sync.sync_run AS r") == [("finished",)]
    assert db.row(
        "SELECT count(*), count(*) FILTER (WHERE a.is_full) FROM jikan.anime AS a"
        " WHERE a.mal_id = ANY (%s)",
        ids,
    ) == (4, 4)
    assert len(db.value("SELECT jikan_sync.learned_mal_ids('frieren')")) > 0
    assert db.value("SELECT count(*) FROM jikan_sync.dead_letter") == 0
    assert db.value("SELECT count(*) FROM jikan_sync.rejected_document") == 0
