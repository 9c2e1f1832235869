"""What apps see: answers at once, honest about their age, asking behind the caller's back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.store.documents import anime, entry, full
from tests.store.test_store_anime import store, value

Connection = psycopg.Connection[Any]
Clock = Callable[[str | None], None]

NOON = "2026-11-01T12:00:00Z"


@pytest.fixture
def reader(connect: Callable[..., Connection]) -> Connection:
    return connect(role="anime_reader")


@pytest.fixture
def mirror(connection: Connection, set_clock: Clock) -> Connection:
    """Three anime, fresh at noon."""
    set_clock(NOON)
    store(
        connection,
        [
            full(1, title="Cowboy Bebop"),
            anime(5, title="Cowboy Bebop: The Movie", type="Movie", year=2001, score=8.4),
            anime(20, title="Naruto", status="Currently Airing", members=2_800_000),
        ],
    )
    connection.execute("DELETE FROM jikan_sync.queue")
    return connection


def tasks(connection: Connection) -> list[tuple[str, int | None, str]]:
    connection.execute("SELECT jikan_sync.fold_wishes()")  # as a claim does
    return connection.execute(
        "SELECT coalesce(payload ->> 'facet', task), mal_id, priority FROM jikan_sync.queue"
        " WHERE lane = 'jikan' "
        "ORDER BY priority, task, mal_id"
    ).fetchall()


def connection_facets(connection: Connection) -> list[str]:
    return [f for (f,) in connection.execute("SELECT name FROM jikan_sync.facet").fetchall()]


def found(connection: Connection, query: str, **arguments: Any) -> list[int]:
    named = "".join(f", {name} => %({name})s" for name in arguments)
    rows = connection.execute(
        f"SELECT mal_id FROM anime.search(%(query)s{named})", {"query": query, **arguments}
    ).fetchall()
    return [row[0] for row in rows]


def test_a_fresh_hit_answers_and_writes_no_task(mirror: Connection, reader: Connection) -> None:
    row = reader.execute(
        "SELECT mal_id, title, match, freshness, synced_at = %s FROM anime.search('cowboy bebop')",
        [NOON],
    ).fetchone()
    assert row == (1, "Cowboy Bebop", "exact", "pending_embeddings", True)
    assert tasks(mirror) == []


def test_a_stale_hit_is_served_marked_and_queued(
    mirror: Connection, reader: Connection, set_clock: Clock
) -> None:
    set_clock("2026-12-01T11:59:59Z")
    assert found(reader, "cowboy bebop") == [1, 5]
    assert tasks(mirror) == []
    set_clock("2026-12-01T12:00:00Z")
    rows = reader.execute("SELECT mal_id, freshness FROM anime.search('cowboy bebop')").fetchall()
    assert rows == [(1, "stale"), (5, "stale")]
    assert tasks(mirror) == [("anime", 1, "high"), ("anime", 5, "high")]


def test_one_search_queues_at_most_two_high_tasks(
    connection: Connection, reader: Connection, set_clock: Clock
) -> None:
    set_clock("2026-01-01T00:00:00Z")
    store(connection, [anime(mal_id, title=f"Gintama {mal_id}") for mal_id in range(1, 11)])
    connection.execute("DELETE FROM jikan_sync.queue")
    set_clock(NOON)
    assert len(found(reader, "gintama")) == 10
    priorities = [priority for _, _, priority in tasks(connection)]
    assert (priorities.count("high"), priorities.count("low")) == (2, 8)


def test_a_miss_goes_upstream_once(mirror: Connection, reader: Connection) -> None:
    for query in ("mushishi", "  MUSHISHI ", "Mushishi!"):
        assert found(reader, query) == []
    assert tasks(mirror) == [("search", None, "high")]


@pytest.mark.parametrize("query", ["", " ", "x", "ab", "%", "'", None])
def test_what_is_too_short_to_ask_is_not_asked(
    mirror: Connection, reader: Connection, query: str | None
) -> None:
    found(reader, query)  # type: ignore[arg-type]
    assert tasks(mirror) == []


def test_what_an_upstream_named_for_a_query_answers_it_from_then_on(
    mirror: Connection, reader: Connection
) -> None:
    query = "that space bounty hunter show"
    assert found(reader, query) == []
    tasks(mirror)
    key = value(mirror, "SELECT payload ->> 'query_key' FROM jikan_sync.queue")
    mirror.execute("SELECT jikan_sync.learn_search(%s, '{5,1}')", [key])
    rows = reader.execute(
        "SELECT mal_id, match FROM anime.search(%s)", ["That space bounty-hunter show"]
    ).fetchall()
    assert rows == [(5, "upstream"), (1, "upstream")]
    assert found(reader, query, types=["TV"]) == [1]
    assert found(reader, query, max_rows=1) == [5]


def test_filters_are_part_of_the_search(mirror: Connection, reader: Connection) -> None:
    assert found(reader, "cowboy bebop", types=["Movie"]) == [5]
    assert found(reader, "cowboy bebop", year_from=2000, year_to=2002) == [5]
    assert found(reader, "cowboy bebop", min_score=8.5) == [1]
    assert found(reader, "cowboy bebop", genres=["Space", "ACTION"]) == [1, 5]
    assert found(reader, "cowboy bebop", genres=["Cooking"]) == []
    assert found(reader, "naruto", statuses=["Currently Airing"]) == [20]


def test_adult_titles_are_hidden_unless_asked_for(
    connection: Connection, reader: Connection
) -> None:
    store(connection, [anime(7, title="Yubikiri", rating="Rx - Hentai")])
    assert found(reader, "yubikiri") == []
    assert found(reader, "yubikiri", nsfw=True) == [7]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_rows": 0}, "max_rows must be from 1 to 100, not 0"),
        ({"max_rows": 101}, "max_rows must be from 1 to 100, not 101"),
        ({"max_rows": None}, "max_rows must be from 1 to 100, not NULL"),
        ({"year_from": 2020, "year_to": 2010}, "year_from .2020. is after year_to .2010."),
        ({"min_score": 11}, "min_score must be from 0 to 10, not 11"),
    ],
)
@pytest.mark.parametrize("function", ["search", "search_cached"])
def test_a_wrong_argument_is_refused_with_a_hint(
    reader: Connection, function: str, arguments: dict[str, Any], message: str
) -> None:
    named = "".join(f", {name} => %({name})s" for name in arguments)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=message) as error:
        reader.execute(f"SELECT * FROM anime.{function}('naruto'{named})", arguments)
    assert error.value.diag.message_hint


@pytest.mark.parametrize(
    "query",
    [
        "'; DROP TABLE jikan.anime; --",
        "%_%\\",
        "\\u0000",
        "🍥🍜" * 40,
        "\u202eoturan\u202c",
        "naruto" * 20_000,
        "(((((((((((",
        "a" * 1_000_000,
        " ".join("abcdefgh" for _ in range(5000)),
        "\x01\x02\x7f",
        "ﷺ ａｂｃ ½ ™",
    ],
    ids=lambda query: ascii(query[:20]),
)
def test_a_hostile_query_gets_rows_or_none_never_an_error(
    mirror: Connection, reader: Connection, query: str
) -> None:
    found(reader, query)
    assert value(mirror, "SELECT count(*) FROM jikan.anime") == 3


def test_a_read_only_transaction_just_reads(
    mirror: Connection, connect: Callable[..., Connection], set_clock: Clock
) -> None:
    set_clock("2027-01-01T00:00:00Z")
    reader = connect(role="anime_reader")
    reader.execute("SET default_transaction_read_only = on")
    assert found(reader, "cowboy bebop") == [1, 5]
    assert found(reader, "nothing like it here") == []
    assert value(reader, "SELECT anime.get(1) ->> 'title'") == "Cowboy Bebop"
    assert value(reader, "SELECT anime.get(77)") is None
    assert value(reader, "SELECT count(*) FROM anime.reviews(1)") == 0
    assert tasks(mirror) == []


def test_get_gives_everything_with_the_age_of_each_facet(
    mirror: Connection, reader: Connection
) -> None:
    got = value(reader, "SELECT anime.get(1)")
    assert got["title"] == "Cowboy Bebop"
    assert got["openings"] == ["1: Tank! by The Seatbelts"]
    assert {relation["mal_id"] for relation in got["relations"]} == {5, 173}
    assert got["streaming"] == [{"name": "A Stream", "url": "https://example.org/stream"}]
    states = {facet: age["state"] for facet, age in got["freshness"].items()}
    stored = {"core", "themes", "relations", "links"}
    facets = connection_facets(mirror)
    assert states == {f: "fresh" if f in stored else "never" for f in facets}
    assert json.dumps(got)


def test_get_queues_what_is_missing_of_a_known_title_and_the_title_itself_if_unknown(
    mirror: Connection, reader: Connection
) -> None:
    value(reader, "SELECT anime.get(5)")  # from a list: its themes were never fetched
    queued = tasks(mirror)
    assert ("anime", 5, "high") in queued
    assert sum(priority == "high" for _, _, priority in queued) <= 2
    assert value(reader, "SELECT anime.get(123)") is None
    assert ("anime", 123, "high") in tasks(mirror)


@pytest.mark.parametrize("mal_id", [0, -1, None])
@pytest.mark.parametrize("function", ["get", "reviews"])
def test_an_id_that_cannot_be_is_refused(
    reader: Connection, function: str, mal_id: int | None
) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="positive integer"):
        reader.execute(f"SELECT anime.{function}(%s)", [mal_id])


def review(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "mal_id": number,
        "user": {"username": f"user{number}"},
        "url": f"https://example.org/reviews/{number}",
        "date": "2026-10-01T08:00:00+00:00",
        "review": "I liked the music most.",
        "score": 9,
        "tags": ["Recommended"],
        "is_spoiler": False,
        "is_preliminary": False,
        "episodes_watched": None,
        "reactions": {"overall": 3},
        **changes,
    }


def test_reviews_come_with_their_age_and_are_queued_when_old(
    mirror: Connection, reader: Connection, set_clock: Clock
) -> None:
    assert reader.execute("SELECT * FROM anime.reviews(1)").fetchall() == []
    assert ("reviews", 1, "high") in tasks(mirror)
    mirror.execute("DELETE FROM jikan_sync.queue")
    page = [review(2), review(1), review(2)]
    assert value(
        mirror, "SELECT jikan_sync.store_reviews(1, %s, jikan_sync.clock_now())", json.dumps(page)
    )
    query = "SELECT review_mal_id, freshness FROM anime.reviews(1)"
    set_clock("2026-11-08T11:59:59Z")
    assert reader.execute(query).fetchall() == [(2, "fresh"), (1, "fresh")]
    assert tasks(mirror) == []
    set_clock("2026-11-08T12:00:00Z")
    assert reader.execute(query).fetchall() == [(2, "stale"), (1, "stale")]
    assert tasks(mirror) == [("reviews", 1, "high")]


def test_pictures_replace_what_was_there(mirror: Connection, reader: Connection) -> None:
    def pictures(*names: str) -> str:
        return json.dumps([{"jpg": {"image_url": name}} for name in names])

    mirror.execute("SELECT jikan_sync.store_pictures(1, %s)", [pictures("a", "b", "c")])
    mirror.execute("SELECT jikan_sync.store_pictures(1, %s)", [pictures("a", "d")])
    got = value(reader, "SELECT anime.get(1)")
    assert [picture["jpg"]["image_url"] for picture in got["pictures"]] == ["a", "d"]
    assert got["freshness"]["images"]["state"] == "fresh"


def test_a_removed_title_leaves_search_and_stays_readable(
    mirror: Connection, reader: Connection
) -> None:
    mirror.execute(
        "UPDATE jikan.anime SET missing_count = 3, first_missing_at = %(at)s, "
        "last_missing_at = %(at)s, removed_at = %(at)s WHERE mal_id = 20",
        {"at": NOON},
    )
    assert found(reader, "naruto") == []
    assert value(reader, "SELECT removed_at IS NOT NULL FROM anime.catalog WHERE mal_id = 20")


def test_a_season_is_its_anime_most_watched_first(mirror: Connection, reader: Connection) -> None:
    rows = reader.execute("SELECT mal_id FROM anime.season(1998, 'Spring')").fetchall()
    assert rows == [(20,), (1,)]
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="winter, spring"):
        reader.execute("SELECT * FROM anime.season(1998, 'autumn')")


def test_the_catalog_knows_when_each_row_goes_stale(mirror: Connection, reader: Connection) -> None:
    rows = reader.execute(
        "SELECT mal_id, stale_at - synced_at FROM anime.catalog ORDER BY mal_id"
    ).fetchall()
    assert [(mal_id, age.days) for mal_id, age in rows] == [(1, 30), (5, 30), (20, 1)]
    mirror.execute(
        "UPDATE jikan_sync.freshness_policy SET max_age = '2 days' "
        "WHERE facet = 'core' AND status IS NULL"
    )
    age = "SELECT (stale_at - synced_at)::text FROM anime.catalog WHERE mal_id = 1"
    assert value(reader, age) == "2 days"


def test_genres_and_studios_are_listed(mirror: Connection, reader: Connection) -> None:
    store(mirror, [anime(9, genres=[entry(2, "Adventure")], themes=[], studios=[])])
    rows = dict(reader.execute("SELECT name, anime_count FROM anime.genre").fetchall())
    assert rows == {"action": 3, "sci-fi": 3, "space": 3, "adventure": 1}
    assert reader.execute("SELECT * FROM anime.studio").fetchall() == [("Sunrise", 3)]
