"""A season as MyAnimeList's page has it, and what every list leaves out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.store.documents import anime
from tests.store.test_store_anime import store
from tests.vector_steps import embed_all, unit

Connection = psycopg.Connection[Any]


def of(mal_id: int, aired: str | None, **changes: Any) -> dict[str, Any]:
    """Something without a premiere that began to air then; the smaller the id, the more watched."""
    nothing = {"season": None, "year": None, "type": "Movie", "members": 1000 - mal_id}
    return anime(mal_id, aired={"from": aired}, **{**nothing, **changes})


def ids(connection: Connection, call: str) -> list[int]:
    return [row[0] for row in connection.execute(f"SELECT mal_id FROM anime.{call}").fetchall()]


def test_films_ova_and_ona_are_of_the_quarter_in_which_they_began(
    connection: Connection, connect: Callable[..., Connection]
) -> None:
    store(
        connection,
        [
            of(1, None, year=1998, season="spring", type="TV"),  # premiered, whenever it aired
            of(2, "1998-04-01T00:00:00+00:00"),
            of(3, "1998-06-30T23:59:59+00:00", type="OVA"),
            of(4, "1998-07-01T00:00:00+00:00", type="ONA"),
            of(5, "1998-03-31T23:59:59+00:00"),
            of(6, "1998-05-01T00:00:00+00:00", year=1998, season="summer", type="TV"),
            of(7, "1998-12-31T23:59:59+00:00"),
            of(8, "1999-01-01T00:00:00+00:00"),
            of(9, "1998-05-01T00:00:00+00:00", rating="Rx - Hentai"),
            of(10, "1998-05-01T00:00:00+00:00", approved=False),
            of(11, "1998-05-01T00:00:00+00:00", approved=None),
            of(12, None),
        ],
    )
    for zone in ("UTC", "Europe/Berlin", "America/Los_Angeles"):
        reader = connect(role="anime_reader", options=f"-c timezone={zone}")
        assert ids(reader, "season(1998, 'Spring')") == [1, 2, 3, 11], zone
        assert ids(reader, "season(1998, 'summer')") == [4, 6], zone
        assert ids(reader, "season(1998, 'winter')") == [5], zone
        assert ids(reader, "season(1998, 'fall')") == [7], zone
        assert ids(reader, "season(1999, 'winter')") == [8], zone
        assert ids(reader, "season(1998, 'spring', nsfw => true)") == [1, 2, 3, 9, 11], zone


@pytest.mark.parametrize("call", ["season(NULL, 'fall')", "season(0, 'fall')", "season(2000, '')"])
def test_a_season_that_cannot_be_meant(connection: Connection, call: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as caught:
        ids(connection, call)
    assert caught.value.diag.message_hint


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for below in plan.get("Plans", []) for node in nodes(below))]


def test_a_season_is_read_by_indexes(connection: Connection) -> None:
    """The function's own plan, of a catalogue in which a season is a small part."""
    connection.execute("ALTER TABLE jikan.anime DISABLE TRIGGER USER")
    connection.execute(
        "INSERT INTO jikan.anime (mal_id, titles, title, core_hash, last_jikan_sync, year, season, "
        "aired_from, members) SELECT n, '[]', 'Title', 0, now(), "
        "CASE WHEN n % 2 = 0 THEN 1960 + n % 60 END, "
        "CASE WHEN n % 2 = 0 THEN (ARRAY['winter', 'spring', 'summer', 'fall'])[n % 4 + 1] END, "
        "timestamptz '1960-01-01Z' + n % 22000 * interval '1 day', n "
        "FROM generate_series(1, 20000) AS n"
    )
    connection.execute("ANALYZE jikan.anime")
    connection.execute("LOAD 'auto_explain'")
    for name, setting in {
        "auto_explain.log_min_duration": "0",
        "auto_explain.log_nested_statements": "on",
        "auto_explain.log_format": "json",
        "client_min_messages": "log",
    }.items():
        connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", [name, setting])
    said: list[str] = []
    connection.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
    assert ids(connection, "season(1998, 'spring')")
    plans = [json.loads(text[text.index("{") :]) for text in said if "{" in text]
    (plan,) = [each["Plan"] for each in plans if "aired_from" in each["Query Text"]]
    reads = [node for node in nodes(plan) if node.get("Relation Name") == "anime"]
    assert [node["Node Type"] for node in reads] == ["Bitmap Heap Scan"]
    used = {node["Index Name"] for node in nodes(plan) if "Index Name" in node}
    assert {"anime_season_idx", "anime_aired_from_idx"} <= used


def test_what_nobody_approved_is_in_no_list_but_found_by_its_id(
    connection: Connection, connect: Callable[..., Connection]
) -> None:
    store(
        connection,
        [
            anime(1, title="Space Cowboys"),
            anime(2, title="Space Pirates", approved=False),
            anime(3, title="Space Sailors", approved=None),
        ],
    )
    embed_all(connection, {mal_id: unit(1.0, mal_id / 10) for mal_id in (1, 2, 3)})
    reader = connect(role="anime_reader")
    assert ids(reader, "search('space')") == [1, 3]
    assert ids(reader, "search('space pirates')") == []
    assert ids(reader, "similar(1)") == [3]
    assert ids(reader, "recommend('{1}')") == [3]
    assert 2 not in ids(reader, "search_semantic('space')")
    assert reader.execute(
        "SELECT mal_id, is_approved FROM anime.catalog ORDER BY mal_id"
    ).fetchall() == [(1, True), (2, False), (3, True)]
    assert reader.execute("SELECT anime.get(2) ->> 'title'").fetchone() == ("Space Pirates",)
