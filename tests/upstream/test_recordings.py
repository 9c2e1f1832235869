"""The real lane against what Jikan really answered: recordings, with their traps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pgjikan.jikan_lane import JikanLane
from tests.conftest import Simulate
from tests.simulator.recordings import Recordings
from tests.simulator.titles import pictures, reviews

from .conftest import Database


def test_recorded_answers_go_all_the_way(
    db: Database, shared: Path, open_lane: Callable[..., JikanLane], simulate: Simulate
) -> None:
    db.unlimited()
    recordings = Recordings(shared / "jikan/recorded")
    with simulate(recordings.titles()) as jikan:
        recordings.say_by_url(jikan)
        ids = [1, 20, 21, 52991]
        for mal_id in ids:  # where nothing is recorded
            jikan.add_part(mal_id, "images", pictures(mal_id))
            jikan.add_part(mal_id, "reviews", reviews(mal_id, airing=False))
        db.run("SELECT jikan_sync.enqueue_many('anime', %s)", ids)
        for facet in ("images", "reviews"):
            db.run(
                "SELECT jikan_sync.enqueue_many('facet', %s,"
                " payload => jsonb_build_object('facet', %s::text))",
                ids,
                facet,
            )
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
