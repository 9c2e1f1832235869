"""A gateway is a provider: one mirror feeds another, title by title and whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import psycopg
import pytest

from pgjikan.db import connector
from pgjikan.jikan_lane import JikanLane
from pgjikan.settings import Settings
from tests.conftest import Server, fresh_database
from tests.gateway.facets import store_whole
from tests.store.documents import anime

Connection = psycopg.Connection[Any]


@pytest.fixture
def second_database(server: Server, template: Any) -> Iterator[str]:
    """Another mirror, still empty."""
    with fresh_database(server, template.template_dbname) as dsn:
        yield dsn


def drain(database: str) -> None:
    lane = JikanLane(connector(database, "test"), Settings(), Event(), "test")
    try:
        while lane.step():
            pass
    finally:
        lane.close()


def test_one_mirror_feeds_another(
    connection: Connection, store: Callable[..., None], serve: Callable[..., str],
    second_database: str,
) -> None:  # fmt: skip
    store_whole(connection)
    store(*[anime(n, title=f"Title {n}") for n in range(2, 61)])
    url = f"{serve()}/v4"
    with psycopg.connect(second_database, autocommit=True) as second:
        second.execute("DELETE FROM jikan_sync.provider")
        second.execute(
            "INSERT INTO jikan_sync.provider (name, base_url, rank) VALUES ('house', %s, 1)", [url]
        )
        # A search, a title, and everything.
        second.execute("SELECT anime.search('cowboy bebop')")
        drain(second_database)
        row = second.execute("SELECT title FROM anime.search('cowboy bebop')").fetchone()
        assert row == ("Cowboy Bebop",)
        second.execute("SELECT anime.get(1)")
        drain(second_database)
        second.execute("SELECT jikan_sync.start_sync_run('catalogue')")
        drain(second_database)
        count = second.execute("SELECT count(*) FROM anime.catalog").fetchone()
        assert count == (60,)
        for path in ("/anime/1/full", "/anime/1/pictures", "/anime/60", "/top/anime"):
            query = "SELECT (anime.v4_cached(%s, '{}')).body"
            assert (
                second.execute(query, [path]).fetchone()
                == connection.execute(query, [path]).fetchone()
            ), path


def test_what_a_hub_has_not_got_yet_is_no_fault_of_the_hub(
    store: Callable[..., None], serve: Callable[..., str], second_database: str
) -> None:
    store(anime(1))
    url = f"{serve()}/v4"
    with psycopg.connect(second_database, autocommit=True) as second:
        second.execute("DELETE FROM jikan_sync.provider")
        second.execute(
            "INSERT INTO jikan_sync.provider (name, base_url, rank) VALUES ('house', %s, 1)", [url]
        )
        missing = list(range(900, 912))
        second.execute("SELECT jikan_sync.enqueue_many('anime', %s::integer[])", [missing])
        drain(second_database)
        states = second.execute("SELECT state FROM jikan_sync.breaker").fetchall()
        assert states in ([], [("closed",)])
        # Each waits as long as the hub said, and is charged nothing.
        waits = second.execute(
            "SELECT count(*), sum(q.attempts), min(q.ready_at - jikan_sync.clock_now())"
            " BETWEEN '20 s' AND '34 s', max(q.ready_at - jikan_sync.clock_now()) < '40 s',"
            " min(q.errors -> -1 ->> 'class'), max(q.errors -> -1 ->> 'class')"
            " FROM jikan_sync.queue AS q WHERE q.mal_id = ANY (%s)",
            [missing],
        ).fetchone()
        assert waits == (len(missing), 0, True, True, "title_down", "title_down")
        # What the hub has is got.
        second.execute("SELECT jikan_sync.enqueue('anime', 1)")
        drain(second_database)
        assert second.execute("SELECT mal_id FROM anime.catalog").fetchall() == [(1,)]
