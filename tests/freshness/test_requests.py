"""What a read asks for: what is stale, two high at most, and never a wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from .conftest import Mirror

Connect = Callable[..., psycopg.Connection[Any]]
REFRESH = "SELECT jikan_sync.request_refresh(%s::int[])"
FACETS = "SELECT jikan_sync.request_facets(%s)"


def test_fresh_titles_ask_for_nothing(mirror: Mirror) -> None:
    mirror.add(1, 2)
    assert mirror.one(REFRESH, [1, 2, 99]) == 0
    assert mirror.one(FACETS, 1) == 0
    assert mirror.tasks() == {}


def test_first_two_are_high_the_rest_low(mirror: Mirror) -> None:
    mirror.add(1, 2, 3, 4, 6)
    mirror.advance("30 days")
    mirror.add(5)
    assert mirror.one(REFRESH, [5, 3, 1, 3, 4, 2, 77]) == 4
    assert mirror.tasks() == {
        "anime:3": "high",
        "anime:1": "high",
        "anime:4": "low",
        "anime:2": "low",
    }
    assert mirror.one(REFRESH, [5, 3, 1, 4, 2]) == 0, "all on their way"
    assert mirror.one(REFRESH, [2, 4]) == 2, "a reader who sees them first raises them"
    assert mirror.one("SELECT jikan_sync.request_refresh('{6}', 0)") == 1
    assert mirror.tasks()["anime:6"] == "low"
    assert set(mirror.tasks().values()) == {"high", "low"}


def test_get_asks_facet_by_facet(mirror: Mirror) -> None:
    mirror.add(1)
    mirror.advance("7 days")
    assert mirror.one(FACETS, 1) == 1
    assert mirror.tasks() == {"reviews:1": "high"}
    mirror.advance("83 days")
    assert mirror.one(FACETS, 1) == 2
    assert mirror.tasks() == {"reviews:1": "high", "anime:1": "high", "images:1": "high"}


def test_one_full_document_pays_for_all_its_facets(mirror: Mirror) -> None:
    mirror.add(1)
    mirror.run("DELETE FROM jikan_sync.ledger WHERE facet IN ('themes', 'relations', 'links')")
    assert mirror.one(FACETS, 1) == 1
    assert mirror.tasks() == {"anime:1": "high"}


def test_one_action_makes_two_high_tasks(mirror: Mirror) -> None:
    mirror.add(1)
    mirror.advance("90 days")
    assert mirror.one(FACETS, 1) == 3
    assert mirror.tasks() == {"anime:1": "high", "images:1": "high", "reviews:1": "low"}
    assert mirror.one(FACETS, 1) == 0


def test_unknown_ids(mirror: Mirror) -> None:
    assert mirror.one(FACETS, 77) == 1
    assert mirror.tasks() == {"anime:77": "high"}
    assert [mirror.one(FACETS, value) for value in (0, -5, None)] == [0, 0, 0]


def test_tombstones_ask_for_nothing(mirror: Mirror) -> None:
    mirror.add(1, removed=True)
    mirror.advance("1 year")
    assert (mirror.one(FACETS, 1), mirror.one(REFRESH, [1])) == (0, 0)


def test_fetch_under_way_is_not_repeated(mirror: Mirror) -> None:
    mirror.add(1)
    mirror.advance("30 days")
    mirror.one(REFRESH, [1])
    mirror.one("SELECT count(*) FROM jikan_sync.claim('w', 'jikan', 1)")
    assert mirror.one(REFRESH, [1]) == 0
    assert mirror.one("SELECT is_dirty FROM jikan_sync.queue") is False


def test_dead_letters_rest_a_while(mirror: Mirror) -> None:
    mirror.add(1)
    mirror.advance("30 days")
    mirror.run("UPDATE jikan_sync.retry_policy SET max_attempts = 1")
    mirror.one(REFRESH, [1])
    mirror.one(
        "SELECT jikan_sync.fail(id, lease_token, 'row', 'bad')"
        " FROM jikan_sync.claim('w', 'jikan', 1)"
    )
    for step, asked in (("7 days -1 second", 0), ("1 second", 1)):
        mirror.advance(step)
        assert mirror.one(REFRESH, [1]) == asked


def test_readers_of_the_same_title_do_not_meet(mirror: Mirror, connect: Connect) -> None:
    mirror.add(1, 2)
    mirror.advance("30 days")
    slow = connect(autocommit=False)
    assert slow.execute(REFRESH, [[1]]).fetchone() == (1,)
    mirror.run("SET lock_timeout = '1ms'")
    assert mirror.one(REFRESH, [1, 2]) == 2, "neither sees the other, neither waits"
    assert mirror.tasks() == {"anime:1": "high", "anime:2": "high"}
    slow.commit()
    assert mirror.tasks() == {"anime:1": "high", "anime:2": "high"}, "the same wish, once"


@pytest.mark.parametrize("sample", ["0", "1"])
def test_looks_are_sampled(mirror: Mirror, sample: str) -> None:
    mirror.add(1, 2)
    mirror.run("UPDATE jikan_sync.setting SET value = %s WHERE name = 'hit_sample'", sample)
    for _ in range(5):
        mirror.run("SELECT jikan_sync.count_hit(id) FROM jikan.anime")
        mirror.run("SELECT jikan_sync.count_hit(i) FROM unnest('{NULL,424242}'::bigint[]) AS i")
    assert mirror.one("SELECT jikan_sync.fold_hits()") == 2 * int(sample)
    assert mirror.one("SELECT coalesce(sum(score), 0) FROM jikan_sync.demand") == 10 * int(sample)


def test_every_face_counts_the_title_it_shows(mirror: Mirror) -> None:
    mirror.run("UPDATE jikan_sync.setting SET value = '1' WHERE name = 'hit_sample'")
    mirror.run(
        "SELECT jikan_sync.store_anime(jsonb_agg(jsonb_build_object('mal_id', n, 'title',"
        " 'The Show ' || n))) FROM generate_series(1, 30) AS n"
    )
    for look in (
        "SELECT count(*) FROM anime.search('the show 7')",
        "SELECT anime.get(7)",
        "SELECT count(*) FROM anime.reviews(7)",
        "SELECT count(*) FROM anime.similar(7)",
    ):
        mirror.one(look)
        assert mirror.one("SELECT sum(weight) FROM jikan_sync.hit") == 1, look
        mirror.one("SELECT jikan_sync.fold_hits()")
    assert (
        mirror.one(
            "SELECT a.mal_id FROM jikan_sync.demand JOIN jikan.anime AS a ON a.id = anime_id"
        )
        == 7
    )
    mirror.one("SELECT count(*) FROM anime.search('the')")
    assert mirror.one("SELECT coalesce(sum(weight), 0) FROM jikan_sync.hit") <= 1


def test_demand_fades(mirror: Mirror) -> None:
    mirror.add(1)
    mirror.run("UPDATE jikan_sync.setting SET value = '1' WHERE name = 'hit_sample'")
    hit = "SELECT jikan_sync.count_hit(min(id)), jikan_sync.fold_hits() FROM jikan.anime"
    mirror.one(hit)
    mirror.advance("14 days")
    mirror.one(hit)
    assert mirror.one("SELECT score FROM jikan_sync.demand") == pytest.approx(1.5)
