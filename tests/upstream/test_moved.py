"""MyAnimeList merges entries of one anime: the old id's end leads to the new one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pgjikan.jikan_lane import JikanLane
from tests.jikan_documents import Documents
from tests.store.documents import anime, full

from .conftest import Database

Work = Callable[[], list[str]]
QUEUED = "SELECT q.task, q.mal_id, q.priority FROM jikan_sync.queue AS q WHERE q.lane = 'jikan'"


@pytest.fixture
def upstream() -> Iterator[Documents]:
    with Documents(
        {
            "/anime/5/full": (301, "/anime/7/full"),
            "/anime/5/reviews": (301, "/anime/7/reviews"),
            "/anime/7/full": {"data": full(7)},
        }
    ) as documents:
        yield documents


@pytest.fixture
def lane(db: Database, open_lane: Callable[..., JikanLane], upstream: Documents) -> JikanLane:
    db.unlimited()
    return open_lane(upstream.url)


def store(db: Database, *documents: Any) -> None:
    db.run("SELECT jikan_sync.store_anime(%s::jsonb)", json.dumps(documents))


def test_the_old_counts_as_missing_and_the_new_is_fetched(
    db: Database, lane: JikanLane, upstream: Documents
) -> None:
    store(db, anime(5))
    db.run("SELECT jikan_sync.sync_titles('{5}')")
    assert lane.step()
    assert db.value("SELECT missing_count FROM jikan.anime WHERE mal_id = 5") == 1
    assert db.rows(QUEUED) == [("anime", 7, "low")]
    assert lane.step()
    assert db.value("SELECT is_full FROM jikan.anime WHERE mal_id = 7")
    assert upstream.asked == ["/anime/5/full", "/anime/7/full"]
    # Two days more, and the old one is gone; the new one, fresh, is not asked for again.
    for _ in range(2):
        db.advance("1 day")
        db.run("SELECT jikan_sync.sync_titles('{5}')")
        while lane.step():
            pass
    assert upstream.asked[2:] == ["/anime/5/full"] * 2
    assert db.value("SELECT removed_at IS NOT NULL FROM jikan.anime WHERE mal_id = 5")


def test_the_ledger_decides_about_the_new_one_too(db: Database, lane: JikanLane) -> None:
    db.run("SELECT jikan_sync.note_missing(7)")
    db.run("SELECT jikan_sync.sync_titles('{5}')")
    assert lane.step()
    assert db.rows(QUEUED) == [], "asked a moment ago, and answered 404"


def test_a_facet_that_moved_leads_there_as_well(db: Database, lane: JikanLane) -> None:
    store(db, anime(5))
    db.run("SELECT jikan_sync.sync_titles('{5}', 'reviews')")
    assert lane.step()
    assert db.value("SELECT missing_count FROM jikan.anime WHERE mal_id = 5") == 0
    assert db.rows(QUEUED) == [("anime", 7, "low")]
