"""Recommendations in bulk, from the popular end, and then what is new of them every week."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pgjikan.jikan_lane import JikanLane
from tests.jikan_documents import Documents
from tests.store.documents import anime

from .conftest import Database
from .test_commands import Run
from .test_commands import pgjikan as pgjikan

MEMBERS = {1: 50, 2: 400, 3: 300, 4: 200, 5: 100}


def recommended(other: int, votes: int) -> dict[str, Any]:
    return {"entry": {"mal_id": other, "url": "", "title": "T"}, "url": "", "votes": votes}


def event(one: int, other: int, date: str | None = "2026-11-20T10:00:00+00:00") -> dict[str, Any]:
    entry = [{"mal_id": mal_id, "url": "", "title": "T"} for mal_id in (one, other)]
    return {"mal_id": f"{one}-{other}", "entry": entry, "content": "So alike.", "date": date}


@pytest.fixture
def upstream() -> Iterator[Documents]:
    with Documents(
        {
            f"/anime/{mal_id}/recommendations": {"data": [recommended(mal_id + 10, mal_id)]}
            for mal_id in (1, 2, 4, 5)
        }
    ) as documents:
        yield documents


@pytest.fixture
def environment(database: str, upstream: Documents) -> dict[str, str]:
    return os.environ | {"DATABASE_URL": database, "PGJIKAN_JIKAN_URL": upstream.url}


def mirror(live: Database) -> None:
    live.unlimited()
    titles = [anime(mal_id, members=count) for mal_id, count in MEMBERS.items()]
    live.run("SELECT jikan_sync.store_anime(%s::jsonb)", json.dumps(titles))


def pairs(db: Database) -> list[Any]:
    return db.rows("SELECT low_mal_id, high_mal_id, votes FROM jikan.recommendation ORDER BY 1, 2")


def test_the_popular_end_first_and_nothing_twice(
    pgjikan: Run, upstream: Documents, live: Database
) -> None:
    mirror(live)
    dry = json.loads(pgjikan("sync", "recommendations", "--dry-run", "--json").stdout)
    assert dry == {"request_count": 5, "provider": "tenrai", "duration": 0}
    refused = pgjikan("sync", "recommendations")
    assert refused.returncode == 1
    assert "MyAnimeList's terms" in refused.stderr and "--yes" in refused.stderr
    assert upstream.asked == []

    done = pgjikan("sync", "recommendations", "--yes", "--titles", "2")
    assert done.returncode == 0, done.stderr
    assert upstream.asked == ["/anime/2/recommendations", "/anime/3/recommendations"]
    assert "recommendations: 1 stored, 1 unknown upstream, 0 given up" in done.stdout

    rest = pgjikan("sync", "recommendations", "--yes", "--json")
    assert json.loads(rest.stdout) == {"stored": 3, "missing": 0, "given_up": 0}
    asked = ["/anime/4/recommendations", "/anime/5/recommendations", "/anime/1/recommendations"]
    assert upstream.asked[2:] == asked, "what is fresh, or answered 404, is not asked again"
    assert pairs(live) == [(1, 11, 1), (2, 12, 2), (4, 14, 4), (5, 15, 5)]

    again = pgjikan("sync", "recommendations", "--yes", "--json")
    assert json.loads(again.stdout) == {"stored": 0, "missing": 0, "given_up": 0}
    assert len(upstream.asked) == 5


def test_who_interrupts_it_has_the_most_popular(live: Database) -> None:
    mirror(live)
    wanted = live.value("SELECT jikan_sync.wanted_facet('recommendations', 4)")
    assert wanted == [2, 3, 4, 5]
    assert live.value("SELECT jikan_sync.sync_titles(%s, 'recommendations')", wanted) == 4
    claimed = [
        live.value("SELECT c.mal_id FROM jikan_sync.claim('w', 'jikan') AS c") for _ in wanted
    ]
    assert claimed == wanted
    with pytest.raises(Exception, match="no facet 'themes' has a route"):
        live.run("SELECT jikan_sync.sync_titles('{1}', 'themes')")


@pytest.fixture
def work(
    db: Database, open_lane: Callable[..., JikanLane], upstream: Documents
) -> Callable[[], list[str]]:
    """Let a real lane work until nothing is due; what it asked for."""
    db.unlimited()
    lane = open_lane(upstream.url)

    def until_idle() -> list[str]:
        before = len(upstream.asked)
        while lane.step():
            pass
        return upstream.asked[before:]

    return until_idle


def page(number: int, last: int, *events: Any) -> dict[str, Any]:
    pagination = {"last_visible_page": last, "has_next_page": number < last}
    return {"pagination": pagination, "data": list(events)}


def test_the_weekly_walk_is_off_until_somebody_wants_it(db: Database) -> None:
    assert db.row(
        "SELECT enabled, period::text FROM jikan_sync.job WHERE name = 'sync_recommendations'"
    ) == (False, "7 days")
    db.advance("30 days")
    db.run("SELECT jikan_sync.tick()")
    assert db.value("SELECT count(*) FROM jikan_sync.queue WHERE task = 'recommendations'") == 0


def test_the_weekly_walk_adds_what_is_new_and_ends_where_the_last_began(
    db: Database, upstream: Documents, work: Callable[[], list[str]]
) -> None:
    walk = "/recommendations/anime"
    upstream.answers |= {
        f"{walk}?page=1": page(1, 2, event(1, 2), event(4, 3), event(1, 2, "2026-11-19T00:00:00Z")),
        f"{walk}?page=2": page(2, 2, event(5, 6, "2026-11-01T00:00:00+00:00")),
    }
    assert db.value("SELECT jikan_sync.run_job('sync_recommendations')") == "ok"
    assert work() == [f"{walk}?page=1", f"{walk}?page=2"]
    assert pairs(db) == [(1, 2, 2), (3, 4, 1), (5, 6, 1)]
    assert db.row("SELECT state, page_count FROM jikan_sync.sync_run") == ("finished", 2)
    assert db.value("SELECT count(*) FROM jikan_sync.neighbour_wish WHERE mal_id = 3") == 1
    assert db.value("SELECT (anime.v4('/v4/recommendations/anime', '{}')).status") == 200, (
        "the gateway has the list as it came"
    )

    # A week later three are new, one of them of a known pair; the last walk's are on the page too.
    db.advance("7 days")
    upstream.answers[f"{walk}?page=1"] = page(
        1,
        20,
        event(1, 2, "2026-11-29T00:00:00Z"),
        event(7, 8, "2026-11-28T00:00:00Z"),
        event(1, 2),
        event(4, 3),
    )
    assert db.value("SELECT jikan_sync.run_job('sync_recommendations')") == "ok"
    assert work() == [f"{walk}?page=1"]
    assert pairs(db) == [(1, 2, 3), (3, 4, 1), (5, 6, 1), (7, 8, 1)]


def test_what_a_titles_own_list_said_is_not_counted_again(db: Database) -> None:
    store = "SELECT jikan_sync.store_recommendations(%s, %s::jsonb)"
    db.run(store, 1, json.dumps([recommended(2, 9)]))
    recent = "SELECT jikan_sync.store_recent(%s::jsonb)"
    before = [event(1, 2), event(3, 1)]
    assert db.value(recent, json.dumps(before)) == 0, "the younger list knows better"
    after = [event(2, 1, "2026-11-24T00:00:00Z"), event(3, 1, "2026-11-24T00:00:00Z")]
    db.advance("2 days")
    assert db.value(recent, json.dumps(after)) == 2
    assert db.value(recent, json.dumps(after)) == 0, "nor is a page that comes twice"
    assert pairs(db) == [(1, 2, 10), (1, 3, 1)]


def test_odd_entries_are_kept_with_their_reason(db: Database) -> None:
    manga = event(1, 2)
    manga["entry"][1]["url"] = "https://myanimelist.net/manga/2/X"
    odd = [
        5, None, {}, {"entry": 7}, {"entry": [{"mal_id": 1}]}, event(1, 1), manga,
        {"entry": [{"mal_id": "1"}, {"mal_id": 2}]}, {"entry": [5, {"mal_id": 99999999999}]},
        event(1, 2, "yesterday"), event(3, 4, None), event(5, 6, "2999-01-01T00:00:00Z"),
    ]  # fmt: skip
    assert db.value("SELECT jikan_sync.store_recent(%s::jsonb)", json.dumps(odd)) == 3
    assert pairs(db) == [(1, 2, 1), (3, 4, 1), (5, 6, 1)]
    assert db.value("SELECT count(DISTINCT reason) FROM jikan_sync.rejected_document") == 6
    for _ in range(3):  # once: no later reading makes more of them
        db.advance("1 hour")
        assert db.value("SELECT jikan_sync.store_recent(%s::jsonb)", json.dumps(odd)) == 0
    assert pairs(db) == [(1, 2, 1), (3, 4, 1), (5, 6, 1)]
    db.advance("1 day")
    later = [event(5, 6, "2026-11-24T00:00:00Z")]
    assert db.value("SELECT jikan_sync.store_recent(%s::jsonb)", json.dumps(later)) == 1


@pytest.mark.parametrize("date", [None, "9999-01-01", "infinity", "now", "tomorrow", "x"])
def test_votes_do_not_grow_by_reading_a_page_again(db: Database, date: str | None) -> None:
    store = "SELECT jikan_sync.store_recent(%s::jsonb)"
    assert db.value(store, json.dumps([event(1, 20, date)])) == 1
    for _ in range(2):
        db.advance("1 hour")
        assert db.value(store, json.dumps([event(1, 20, date)])) == 0
    assert pairs(db) == [(1, 20, 1)]
    db.advance("1 day")
    assert db.value(store, json.dumps([event(1, 20, "2026-11-23T12:00:00Z")])) == 1
    assert pairs(db) == [(1, 20, 2)]


def test_the_recorded_page(db: Database, shared: Path) -> None:
    file = shared / "jikan/recorded/recommendations-anime-p1.json"
    data = json.loads(file.read_text(encoding="utf-8"))["data"]
    count = db.value("SELECT jikan_sync.store_recent(%s::jsonb)", json.dumps(data))
    assert count == len({entry["mal_id"] for entry in data}) == len(pairs(db))
    assert db.value("SELECT count(*) FROM jikan_sync.rejected_document") == 0
    assert db.value("SELECT jikan_sync.store_recent(%s::jsonb)", json.dumps(data)) == 0
