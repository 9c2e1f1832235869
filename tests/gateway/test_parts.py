"""What is known of a title's parts, and what is not: 404 only where an upstream said so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.store.documents import full

Connection = psycopg.Connection[Any]
Ask = Callable[..., tuple[int, Any]]
Store = Callable[..., None]


def store_facet(
    connection: Connection, facet: str, data: Any, pagination: Any = None, page: int = 1
) -> None:
    document = {"data": data} | ({} if pagination is None else {"pagination": pagination})
    connection.execute(
        "SELECT jikan_sync.store_facet(%s, 1, %s::json, %s)", [facet, json.dumps(document), page]
    )


def test_a_part_that_an_upstream_has_not_is_not_found(
    ask: Ask, store: Store, connection: Connection
) -> None:
    store(full(1), source="full")
    assert ask("/anime/1/staff")[0] == 504
    connection.execute("SELECT jikan_sync.note_answer('staff', 1, 'not_found')")
    status, answer = ask("/anime/1/staff")
    assert (status, answer["type"]) == (404, "BadResponseException")
    assert answer["message"] == "Resource does not exist"
    assert [ask(f"/anime/1{path}")[0] for path in ("", "/full", "/news")] == [200, 200, 504]


def test_an_episode_is_not_found_only_where_all_are_known(
    ask: Ask, store: Store, connection: Connection
) -> None:
    store(full(1, status="Currently Airing"), source="full")
    first = [{"mal_id": n, "title": f"Part {n}"} for n in range(1, 101)]
    store_facet(connection, "episodes", first, {"last_visible_page": 2, "has_next_page": True})
    assert [ask(f"/anime/1/episodes/{n}")[0] for n in (100, 101, 900)] == [200, 504, 504]
    row = connection.execute(
        "SELECT (jikan_sync.v4_answer('/anime/1/episodes/101', '{}', '{}')).facet"
    ).fetchone()
    assert row == ("episodes",)
    second = [{"mal_id": 101, "title": "Part 101"}]
    store_facet(connection, "episodes", second, {"last_visible_page": 2, "has_next_page": False}, 2)
    assert [ask(f"/anime/1/episodes/{n}")[0] for n in (100, 101, 900)] == [200, 200, 404]
    # Of an old list of what still airs, nobody knows.
    connection.execute(
        "UPDATE jikan_sync.ledger SET stored_at = stored_at - interval '300 days'"
        " WHERE facet = 'episodes'"
    )
    assert [ask(f"/anime/1/episodes/{n}")[0] for n in (101, 900)] == [200, 504]


def test_an_episode_is_as_old_as_the_list_of_episodes(store: Store, connection: Connection) -> None:
    store(full(1), source="full")
    store_facet(connection, "episodes", [{"mal_id": 1, "title": "Part 1"}])
    asked = "SELECT count(*), min(facet) FROM jikan_sync.wish"

    def status() -> str:
        row = connection.execute(
            "SELECT headers ->> 'X-Cache-Status' FROM anime.v4('/anime/1/episodes/1', '{}')"
        ).fetchone()
        assert row is not None
        return str(row[0])

    assert status() == "HIT"
    assert connection.execute(asked).fetchone() == (0, None)
    connection.execute(
        "UPDATE jikan_sync.ledger SET stored_at = stored_at - interval '300 days'"
        " WHERE facet = 'episodes'"
    )
    assert status() == "STALE"
    assert connection.execute(asked).fetchone() == (1, "episodes")


@pytest.mark.parametrize(
    ("facet", "path", "pages"),
    [("news", "news", 1), ("videos_episodes", "videos/episodes", 1), ("episodes", "episodes", 2)],
)
def test_behind_the_last_page_that_is_kept_there_is_nothing(
    ask: Ask, store: Store, connection: Connection, facet: str, path: str, pages: int
) -> None:
    store(full(1), source="full")
    connection.execute("UPDATE jikan_sync.facet SET max_pages = %s WHERE name = %s", [pages, facet])
    assert ask(f"/anime/1/{path}", page=9)[0] == 504, "nothing is known of it"
    for page in range(1, pages + 1):
        entry = {"mal_id": page, "title": f"Part {page}"}
        more = {"last_visible_page": 7, "has_next_page": True}
        store_facet(connection, facet, [entry], more, page)
    end = {"last_visible_page": pages, "has_next_page": False}
    for page, count in ((pages, 1), (pages + 1, 0), (9, 0)):
        status, answer = ask(f"/anime/1/{path}", page=page)
        assert (status, len(answer["data"]), answer["pagination"]) == (200, count, end), page
    if pages > 1:
        assert ask(f"/anime/1/{path}")[1]["pagination"]["has_next_page"] is True
        assert ask(f"/anime/1/{path}/{pages + 1}")[0] == 404


@pytest.mark.parametrize("last", ["1e30", "1e9999", "-1e30", "0.5", '"x"', "[]", "99999999999"])
def test_whatever_an_upstream_calls_its_last_page_nothing_is_raised(
    ask: Ask, store: Store, connection: Connection, last: str
) -> None:
    store(full(1), source="full")
    store_facet(connection, "episodes", [], {"last_visible_page": 1, "has_next_page": False})
    connection.execute(
        "UPDATE jikan.facet_document SET pagination = %s::json WHERE facet = 'episodes'",
        ['{"last_visible_page": %s, "has_next_page": false}' % last],  # noqa: UP031
    )
    assert ask("/anime/1/episodes", page=2)[0] == 504
