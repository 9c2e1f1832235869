"""store_recommendations: pairs are what the younger of two lists tells."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.store.documents import anime
from tests.vector_steps import Connection, value

EARLY, LATE, LATER = "2026-01-01Z", "2026-02-01Z", "2026-03-01Z"
PAIRS = "SELECT low_mal_id, high_mal_id, votes FROM jikan.recommendation ORDER BY 1, 2"


def told(own: int, **votes: int) -> list[dict[str, Any]]:
    """A list as Jikan sends it: told(1, _6=90) is "1 and 6, by 90"."""
    return [
        {
            "entry": {
                "mal_id": int(other[1:]),
                "url": f"https://myanimelist.net/anime/{other[1:]}/X",
                "images": {},
                "title": "X",
            },
            "url": f"https://myanimelist.net/recommendations/anime/{own}-{other[1:]}",
            "votes": count,
        }
        for other, count in votes.items()
    ]


def store(connection: Connection, own: int, documents: Any, at: str = EARLY) -> bool:
    return bool(
        value(
            connection,
            "SELECT jikan_sync.store_recommendations(%s, %s::jsonb, %s::timestamptz)",
            own,
            json.dumps(documents),
            at,
        )
    )


def pairs(connection: Connection) -> list[tuple[int, int, int]]:
    return connection.execute(PAIRS).fetchall()


def test_a_pair_is_kept_once_and_read_from_both_sides(connection: Connection) -> None:
    assert store(connection, 6, told(6, _1=90, _25=2))
    assert store(connection, 1, told(1, _6=90))
    assert pairs(connection) == [(1, 6, 90), (6, 25, 2)]
    both = "SELECT other_mal_id, votes FROM jikan_sync.vote WHERE mal_id = %s ORDER BY 1"
    assert connection.execute(both, [6]).fetchall() == [(1, 90), (25, 2)]
    assert connection.execute(both, [1]).fetchall() == [(6, 90)]


def test_votes_go_down_and_pairs_vanish_with_the_list(connection: Connection) -> None:
    store(connection, 1, told(1, _6=90, _25=2))
    store(connection, 1, told(1, _6=80), LATE)
    assert pairs(connection) == [(1, 6, 80)]
    store(connection, 1, [], LATER)
    assert pairs(connection) == []


def test_of_two_lists_the_younger_is_right(connection: Connection) -> None:
    store(connection, 6, told(6, _1=95, _7=3), LATE)
    store(connection, 1, told(1, _6=90, _8=1), EARLY)
    assert pairs(connection) == [(1, 6, 95), (1, 8, 1), (6, 7, 3)]
    store(connection, 7, [], EARLY)
    assert (6, 7, 3) in pairs(connection), "an older list takes nothing away"
    store(connection, 7, [], LATER)
    assert (6, 7, 3) not in pairs(connection)
    assert not store(connection, 6, told(6, _1=1), EARLY), "its own list is younger"
    assert (1, 6, 95) in pairs(connection)


def test_the_same_list_again_writes_nothing(connection: Connection) -> None:
    documents = told(1, _6=90, _25=2)
    store(connection, 1, documents, EARLY)
    with connection.transaction():
        assert store(connection, 1, documents, EARLY)
        assert value(connection, "SELECT pg_current_xact_id_if_assigned() IS NULL")


def test_a_list_that_came_again_as_it_was_is_as_young_as_it_came(connection: Connection) -> None:
    store(connection, 1, told(1, _6=90), EARLY)
    store(connection, 1, told(1, _6=90), LATER)
    assert not store(connection, 1, told(1, _6=80), LATE), "an older list of its own"
    store(connection, 6, told(6, _1=70), LATE)
    assert pairs(connection) == [(1, 6, 90)], "nor is the other's right"


def test_a_facet_that_came_again_as_it_was_is_as_young_as_it_came(
    connection: Connection, set_clock: Callable[[str], None]
) -> None:
    set_clock("2026-04-01Z")
    connection.execute("SELECT jikan_sync.store_anime(%s::jsonb)", [json.dumps([anime(1)])])
    facet = "SELECT jikan_sync.store_facet('recommendations', 1, %s::json, 1, %s)"
    response = json.dumps({"data": told(1, _6=90)})
    assert value(connection, facet, response, EARLY) == "stored"
    assert value(connection, facet, response, LATER) == "unchanged"
    assert not store(connection, 1, told(1, _6=80), LATE)
    store(connection, 6, told(6, _1=70), LATE)
    assert pairs(connection) == [(1, 6, 90)]


def test_what_is_no_recommendation_is_kept_aside_and_its_neighbours_land(
    connection: Connection,
) -> None:
    good = told(1, _6=90)[0]
    manga = {**good, "entry": {**good["entry"], "url": "https://myanimelist.net/manga/6/X"}}
    bad: list[Any] = [
        17,
        None,
        [],
        {},
        {**good, "votes": "many"},
        {**good, "votes": 0},
        {**good, "votes": 99999999999},
        {**good, "entry": {"mal_id": "7"}},
        {**good, "entry": {"mal_id": 1.5}},
        {**good, "entry": {"mal_id": 1}},
        {**good, "entry": 3},
        manga,
    ]
    assert store(connection, 1, [*bad, good])
    assert pairs(connection) == [(1, 6, 90)]
    reasons = connection.execute(
        "SELECT reason FROM jikan_sync.rejected_document WHERE source = 'recommendations'"
    ).fetchall()
    assert len(reasons) >= len(bad) - 2  # some bear the same document and reason
    assert ("entry is a manga",) in reasons
    assert ("recommends itself",) in reasons


@pytest.mark.parametrize("documents", ["{}", "null", "1"])
def test_what_is_no_list_is_refused(connection: Connection, documents: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as caught:
        connection.execute(
            "SELECT jikan_sync.store_recommendations(1, %s::jsonb, now())", [documents]
        )
    assert caught.value.diag.message_hint


def test_a_list_from_the_future_is_of_now(
    connection: Connection, set_clock: Callable[[str], None]
) -> None:
    set_clock("2026-01-15Z")
    store(connection, 1, told(1, _6=90), LATER)
    set_clock("2026-01-16Z")
    assert store(connection, 1, told(1, _6=91), "2026-01-16Z")
    assert pairs(connection) == [(1, 6, 91)]


def test_recorded_lists(connection: Connection, shared: Path) -> None:
    for path in sorted((shared / "jikan" / "recorded").glob("recommendations-[0-9]*.json")):
        own = int(path.stem.split("-")[1])
        data = json.loads(path.read_text())["data"]
        assert store(connection, own, data), path.name
        known = dict(
            connection.execute(
                "SELECT other_mal_id, votes FROM jikan_sync.vote WHERE mal_id = %s", [own]
            ).fetchall()
        )
        assert known.items() >= {e["entry"]["mal_id"]: e["votes"] for e in data}.items()
    assert value(connection, "SELECT count(*) FROM jikan_sync.rejected_document") == 0
