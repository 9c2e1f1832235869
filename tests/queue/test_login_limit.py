"""What one login may put upstream as high: its own allowance, and no other login waits for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg

from .conftest import Queue

Connect = Callable[..., psycopg.Connection[Any]]
FACETS = "{characters,staff,episodes,videos,statistics}"
FLOOD = (
    f"SELECT anime.facet(m, f) FROM generate_series(1, 60) AS m, unnest('{FACETS}'::text[]) AS f"
)


def fold(connection: psycopg.Connection[Any]) -> Counter[str]:
    connection.execute("SELECT jikan_sync.fold_wishes(100000)")
    rows = connection.execute("SELECT priority, count(*) FROM jikan_sync.queue GROUP BY 1")
    return Counter(dict(rows.fetchall()))


def test_a_flood_of_facets_is_mostly_low(
    queue: Queue, connection: psycopg.Connection[Any], connect: Connect
) -> None:
    queue.mirror(*range(1, 61))
    connection.execute("UPDATE jikan_sync.setting SET value = '100' WHERE name = 'max_low_facets'")
    connection.execute("CREATE ROLE flooder LOGIN; GRANT anime_reader TO flooder")
    flooder = connect()
    try:
        flooder.execute("SET SESSION AUTHORIZATION flooder")
        flooder.execute(FLOOD.encode())
        assert fold(connection) == {"high": 30, "low": 100}
        connect(role="anime_reader").execute("SELECT anime.facet(60, 'statistics')")
        assert fold(connection)["high"] == 31, "another login's flood is not its silence"
        flooder.execute(FLOOD.encode())
        assert fold(connection) == {"high": 31, "low": 100}, "of a minute"
        connection.execute("SELECT jikan_sync.clock_advance('1 minute')")
        flooder.execute(FLOOD.encode())
        assert fold(connection)["high"] == 61
    finally:
        flooder.execute("RESET SESSION AUTHORIZATION")
        connection.execute("DROP OWNED BY flooder; DROP ROLE flooder")


def test_stale_titles_count_against_the_same_allowance(
    queue: Queue, connection: psycopg.Connection[Any], connect: Connect
) -> None:
    queue.mirror(*range(1, 61))
    connection.execute("UPDATE jikan_sync.setting SET value = '3' WHERE name = 'facet_per_minute'")
    connection.execute("SELECT jikan_sync.clock_advance('40 days')")
    connect(role="anime_reader").execute("SELECT anime.get(m) FROM generate_series(1, 60) AS m")
    waiting = fold(connection)
    assert waiting["high"] == 3
    assert waiting["low"] >= 57, "each title once more, as bulk"


def test_who_has_an_allowance_left_lends_it_to_the_same_wish(
    queue: Queue, connection: psycopg.Connection[Any], connect: Connect
) -> None:
    queue.mirror(1)
    connection.execute(
        "INSERT INTO jikan_sync.login_count VALUES ('spent', jikan_sync.clock_now(), 1000)"
    )
    for login in ("spent", "thrifty"):
        connection.execute(
            "INSERT INTO jikan_sync.wish (kind, facet, mal_id, priority, login, wished_at)"
            " VALUES ('facet', 'staff', 1, 'high', %s, jikan_sync.clock_now())",
            [login],
        )
    assert fold(connection) == {"high": 1}
