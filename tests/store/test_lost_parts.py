"""One title may lose its relations; when all do the upstream has, and nothing is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from tests.store.documents import full
from tests.store.test_store_anime import store, value

Connection = psycopg.Connection[Any]
Clock = Callable[[str | None], None]

SONGLESS: dict[str, Any] = {"openings": [], "endings": []}


def kept(connection: Connection) -> tuple[list[int], list[int]]:
    """The titles that have relations, and those that have songs."""
    query = (
        "SELECT coalesce(array_agg(DISTINCT a.mal_id ORDER BY a.mal_id), '{}') "
        "FROM jikan.%s AS p INNER JOIN jikan.anime AS a ON a.id = p.anime_id"
    )
    return value(connection, query % "relation"), value(connection, query % "theme_song")


def reasons(connection: Connection) -> list[str]:
    said = value(connection, "SELECT reasons FROM anime.health")
    return [reason for reason in said if "lost all" in reason]


def test_a_single_loss_is_believed_when_it_is_said_again_a_day_later(
    connection: Connection, set_clock: Clock
) -> None:
    set_clock("2026-01-01T00:00:00Z")
    store(connection, [full(1), full(2)])
    bare = full(1, relations=[], theme=SONGLESS)
    set_clock("2026-02-01T00:00:00Z")
    assert store(connection, [bare]) == (0, 1, 0, 0)
    assert kept(connection) == ([1, 2], [1, 2])
    set_clock("2026-02-01T23:59:59Z")
    store(connection, [bare])
    assert kept(connection) == ([1, 2], [1, 2])
    set_clock("2026-02-02T00:00:00Z")
    store(connection, [bare])
    assert kept(connection) == ([2], [2])
    assert value(connection, "SELECT count(*) FROM jikan_sync.lost_part") == 0
    assert store(connection, [bare]) == (0, 0, 1, 0)
    assert reasons(connection) == []


def test_what_comes_back_was_never_lost(connection: Connection, set_clock: Clock) -> None:
    set_clock("2026-01-01T00:00:00Z")
    store(connection, [full(1)])
    days = (full(1, relations=[]), full(1), full(1, relations=[]))
    for day, document in enumerate(days, 1):
        set_clock(f"2026-02-0{day}T00:00:00Z")
        store(connection, [document])
        assert kept(connection) == ([1], [1]), day
    lost = connection.execute("SELECT part, first_seen_at::date::text FROM jikan_sync.lost_part")
    assert lost.fetchall() == [("relations", "2026-02-03")]


def test_an_upstream_that_reads_no_relations_any_more_makes_nobody_forget_them(
    connection: Connection, set_clock: Clock
) -> None:
    everyone = list(range(1, 11))
    set_clock("2026-01-01T00:00:00Z")
    store(connection, [full(mal_id) for mal_id in everyone])
    # Month after month, one title at a time, a little after the other.
    for month in (2, 3, 4):
        for mal_id in everyone:
            set_clock(f"2026-0{month}-{mal_id:02}T00:00:00Z")
            store(connection, [full(mal_id, relations=[], members=month)], source="full")
        assert kept(connection) == (everyone, everyone), month
        (reason,) = reasons(connection)
        assert "titles lost all relations or songs within a week" in reason
    assert value(connection, "SELECT count(*) FROM jikan.anime WHERE members = 4") == 10

    # It reads them again: all is well, and who really lost them is believed again.
    for mal_id in everyone[1:]:
        set_clock(f"2026-05-{mal_id:02}T00:00:00Z")
        store(connection, [full(mal_id)])
    assert reasons(connection) == []
    store(connection, [full(1, relations=[])])
    assert kept(connection) == (everyone[1:], everyone)
