"""Walks page by page: the queue is the checkpoint, and nothing is done twice or lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import psycopg
import pytest

from pgjikan.jikan_lane import JikanLane
from pgjikan.simulator import Simulator
from tests.conftest import Simulate
from tests.store.documents import anime
from tests.store.test_locks import waiting

from .conftest import Database

Connect = Callable[..., psycopg.Connection[Any]]


def start(db: Database, kind: str = "catalogue", *more: Any) -> int:
    marks = ", ".join(["%s"] * (1 + len(more)))
    return int(db.value(f"SELECT jikan_sync.start_sync_run({marks})", kind, *more))


def advance(db: Database, run_id: int, page: int, has_next: bool = True, items: int = 25) -> bool:
    """What record_response does when a page is stored."""
    return bool(
        db.value(
            "SELECT jikan_sync.advance_sync_run(%s, %s, %s)",
            json.dumps({"run_id": run_id, "page": page}),
            json.dumps(
                {
                    "has_next_page": has_next,
                    "last_visible_page": 9,
                    "items": {"total": 201, "count": items, "per_page": 25},
                }
            ),
            list(range(25 * page, 25 * page + items)),
        )
    )


def progress(db: Database, run_id: int) -> Any:
    return db.row(
        "SELECT p.state, p.page_count, p.last_page, p.item_count, p.total_count"
        " FROM jikan_sync.sync_run_progress(%s) AS p",
        run_id,
    )


def queued(db: Database) -> list[Any]:
    return db.rows(
        "SELECT q.payload, q.priority FROM jikan_sync.queue AS q"
        " WHERE q.lane = 'jikan' ORDER BY q.id"
    )


@pytest.fixture
def walk(db: Database, open_lane: Callable[..., JikanLane]) -> Callable[[Simulator], None]:
    """Let a real lane work until nothing is due."""
    db.unlimited()

    def work(simulator: Simulator) -> None:
        lane = open_lane(simulator.url)
        while lane.step():
            pass

    return work


def test_starting_twice_is_starting_once(db: Database) -> None:
    run_id = start(db)
    assert start(db) == run_id
    assert queued(db) == [({"page": 1, "run_id": run_id}, "low")]
    other = start(db, "season", 2024, "fall", "high")
    assert other != run_id
    assert queued(db)[1] == (
        {"page": 1, "run_id": other, "year": 2024, "season": "fall"},
        "high",
    )


def test_pages_follow_each_other_to_the_end(db: Database) -> None:
    run_id = start(db)
    assert advance(db, run_id, 1)
    assert progress(db, run_id) == ("running", 1, 9, 25, 201)
    assert queued(db) == [({"page": 2, "run_id": run_id}, "low")]
    db.run("DELETE FROM jikan_sync.queue")
    assert not advance(db, run_id, 2, has_next=False, items=3)
    assert progress(db, run_id) == ("finished", 2, 9, 28, 201)
    assert queued(db) == []


def test_a_walk_started_while_its_page_is_stored_waits_and_goes_on(
    db: Database, connect: Connect
) -> None:
    run_id = start(db)
    task, token = db.row("SELECT c.id, c.lease_token FROM jikan_sync.claim('w', 'jikan', 1) AS c")
    storing, starting = connect(autocommit=False), connect()
    one = Database(storing)
    assert one.value("SELECT jikan_sync.complete(%s, %s)", task, token)
    anew = "SELECT jikan_sync.start_sync_run('catalogue')"
    with waiting(db.connection, starting, lambda: starting.execute(anew)) as raised:
        assert advance(one, run_id, 1)
        storing.commit()
    assert raised == []
    assert queued(db) == [({"page": 2, "run_id": run_id}, "low")]
    assert progress(db, run_id) == ("running", 1, 9, 25, 201)


def test_a_page_told_twice_counts_once(db: Database) -> None:
    run_id = start(db)
    advance(db, run_id, 1)
    assert not advance(db, run_id, 1)
    assert progress(db, run_id) == ("running", 1, 9, 25, 201)


def test_a_page_without_a_run_changes_nothing(db: Database) -> None:
    assert not advance(db, 4711, 1)
    assert queued(db) == []


def test_a_lost_task_is_queued_again(db: Database) -> None:
    run_id = start(db)
    advance(db, run_id, 1)
    db.run("DELETE FROM jikan_sync.queue")
    assert progress(db, run_id)[0] == "stalled"
    assert start(db) == run_id
    assert queued(db) == [({"page": 2, "run_id": run_id}, "low")]
    assert progress(db, run_id)[0] == "running"


def test_an_upstream_that_always_promises_more_comes_to_an_end(db: Database) -> None:
    db.set(sync_pages_max="3")
    run_id = start(db)
    assert [advance(db, run_id, page) for page in (1, 2, 3)] == [True, True, False]
    assert progress(db, run_id)[0] == "finished"
    again = start(db)
    assert not advance(db, again, 1, items=0), "an empty page is the last"


def test_a_finished_run_starts_anew_only_when_asked(db: Database) -> None:
    run_id = start(db)
    advance(db, run_id, 1, has_next=False)
    db.advance("1 day")
    assert start(db, "catalogue", None, None, "low", "7 days") == run_id
    db.advance("7 days")
    anew = start(db, "catalogue", None, None, "low", "7 days")
    assert anew != run_id
    assert start(db, "catalogue", None, None, "low", "30 days") == anew, "one is running"


@pytest.mark.parametrize(
    "wrong",
    [
        ("films",),
        ("season",),
        ("season", 2024),
        ("season", 2024, "autumn"),
        ("season", 2024, "now"),
        ("season", None, "fall"),
        ("season", 24, "fall"),
        ("catalogue", 2024),
        ("catalogue", None, None, "urgent"),
        (None,),
    ],
)
def test_what_cannot_be_walked_is_refused(db: Database, wrong: tuple[Any, ...]) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="there is no"):
        start(db, *wrong)


def test_the_whole_catalogue_comes_in_order(
    db: Database, simulator: Simulator, walk: Callable[[Simulator], None]
) -> None:
    run_id = start(db)
    walk(simulator)
    titles = simulator.stats()["titles"]
    assert db.value("SELECT count(*) FROM jikan.anime") == titles
    pages = [r["query"] for r in simulator.stats()["requests"] if r["kind"] != "full"]
    assert len(pages) == -(-titles // 25)
    assert progress(db, run_id)[0] == "finished"
    assert progress(db, run_id)[3] == titles


@pytest.mark.parametrize(
    ("season", "status"), [("now", "Currently Airing"), ("upcoming", "Not yet aired")]
)
def test_a_season_is_walked(
    db: Database, simulate: Simulate, walk: Callable[[Simulator], None], season: str, status: str
) -> None:
    begun = {"from": f"{date.today()}T00:00:00+00:00"}  # the simulator's clock is the real one
    listed = [anime(n, title=f"New {n}", status=status, aired=begun) for n in range(1, 31)]
    for document in listed:
        document["season"] = document["year"] = None
    with simulate([*listed, anime(99)]) as jikan:
        run_id = start(db, "season", None, season)
        walk(jikan)
    assert progress(db, run_id)[0] == "finished"
    assert db.value("SELECT count(*) FROM jikan.anime") == progress(db, run_id)[3] == 30


def test_a_504_mid_way_costs_that_page_a_wait(
    db: Database, simulator: Simulator, walk: Callable[[Simulator], None]
) -> None:
    run_id = start(db)
    simulator.fault("504", skip=1, next=1)
    walk(simulator)
    assert progress(db, run_id)[:2] == ("running", 1)
    assert queued(db) == [({"page": 2, "run_id": run_id}, "low")]
    db.advance("30 seconds")
    walk(simulator)
    assert progress(db, run_id)[0] == "finished"
    assert db.value("SELECT count(*) FROM jikan.anime") == simulator.stats()["titles"]
    assert db.value("SELECT count(*) FROM jikan_sync.dead_letter") == 0


def test_pages_that_shift_and_repeat_do_no_harm(
    db: Database, simulator: Simulator, walk: Callable[[Simulator], None]
) -> None:
    simulator.fault("shift", path="/anime", skip=1, next=1)
    simulator.fault("duplicate")
    run_id = start(db)
    walk(simulator)
    assert progress(db, run_id)[0] == "finished"
    seen = db.value("SELECT count(*) FROM jikan.anime")
    assert simulator.stats()["titles"] - seen <= 1, "what slid past is for the next walk"
    assert db.value("SELECT count(*) FROM jikan_sync.rejected_document") == 0


def test_titles_by_name_and_by_popularity(
    db: Database,
    connect: Connect,
    simulator: Simulator,
    walk: Callable[[Simulator], None],
) -> None:
    sidecar = Database(connect(role="jikan_sidecar"))
    start(sidecar)
    walk(simulator)
    wanted = sidecar.value("SELECT jikan_sync.wanted_details(3)")
    assert wanted == [
        row[0] for row in db.rows("SELECT mal_id FROM jikan.anime ORDER BY members DESC LIMIT 3")
    ]
    asked = [*wanted, 99_999_999]
    assert sidecar.value("SELECT jikan_sync.sync_titles(%s)", asked) == 4
    assert sidecar.row(
        "SELECT p.pending_count, p.stored_count FROM jikan_sync.sync_titles_progress(%s) AS p",
        asked,
    ) == (4, 0)
    walk(simulator)
    assert sidecar.row(
        "SELECT p.pending_count, p.stored_count, p.missing_count, p.dead_count"
        " FROM jikan_sync.sync_titles_progress(%s) AS p",
        asked,
    ) == (0, 3, 1, 0)
    assert sidecar.row(
        "SELECT e.title_count, e.page_count, e.request_count, e.provider"
        " FROM jikan_sync.estimate_catalogue(5) AS e"
    ) == (simulator.stats()["titles"], 3, 8, "tenrai")


def test_the_estimate_is_within_five_percent_of_the_floor(db: Database) -> None:
    db.set(catalogue_size="27631")
    requests, seconds = db.row(
        "SELECT e.request_count, extract(EPOCH FROM e.duration)::float8"
        " FROM jikan_sync.estimate_catalogue() AS e"
    )
    assert requests == 1106
    floor = 27_631 / 25 / 60 * 60
    assert floor < seconds < floor * 1.05
