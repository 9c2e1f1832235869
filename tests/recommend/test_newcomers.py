"""Who stores a title never waits for the job that reckons neighbours, and new titles are seen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import psycopg
from tests.vector_steps import Connection, embed_all, store, unit, value

AT = {1: unit(1.0), 2: unit(1.0, 0.2), 3: unit(1.0, 0.5)}
NEWCOMERS = "SELECT array_agg(a.mal_id ORDER BY a.mal_id) FROM jikan_sync.newcomer AS n"
NEWCOMERS += " JOIN jikan.anime AS a ON a.id = n.anime_id"


def test_a_store_beside_the_job_waits_for_nothing(
    connection: Connection, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    store(connection, *({"mal_id": mal_id} for mal_id in AT))
    embed_all(connection, AT)
    connection.execute("SELECT jikan_sync.count_traits()")
    job = connect(autocommit=False)
    assert value(job, "SELECT jikan_sync.refresh_neighbours()") == 3
    connection.execute("SET lock_timeout = '100ms'")
    store(connection, {"mal_id": 1, "members": 4711, "score": 9.1}, {"mal_id": 4})
    assert value(connection, "SELECT members FROM jikan.profile WHERE mal_id = 1") == 4711
    job.commit()
    assert value(connection, NEWCOMERS) == [4]


def test_what_was_reckoned_by_an_earlier_count_waits_for_the_next_to_be_written(
    connection: Connection,
) -> None:
    store(connection, *({"mal_id": mal_id} for mal_id in AT))
    embed_all(connection, AT)
    refresh = "SELECT jikan_sync.refresh_neighbours()"
    assert value(connection, refresh) == 3
    connection.execute("UPDATE jikan.profile SET counted = 1")
    assert value(connection, "SELECT jikan_sync.count_traits(1)")
    assert value(connection, "SELECT jikan_sync.is_recounting()")
    assert value(connection, refresh) == 0
    # What changed does not wait, and is reckoned again with the others.
    connection.execute("INSERT INTO jikan_sync.neighbour_wish (mal_id) VALUES (1)")
    assert value(connection, refresh) == 1
    assert value(connection, "SELECT jikan_sync.count_traits()")
    assert not value(connection, "SELECT jikan_sync.is_recounting()")
    assert value(connection, "SELECT count(DISTINCT basis) FROM jikan.neighbour") == 2
    assert value(connection, refresh) == 1
    assert value(connection, "SELECT count(DISTINCT basis) FROM jikan.neighbour") == 1


def test_traits_are_written_a_bounded_number_a_run_and_no_store_is_waited_for(
    connection: Connection, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    store(connection, *({"mal_id": mal_id} for mal_id in range(1, 8)))
    outdated = "SELECT count(*) FROM jikan.profile AS p WHERE p.counted <> 7"
    count = "SELECT jikan_sync.count_traits(3)"
    storing = connect(autocommit=False)
    store(storing, {"mal_id": 7, "members": 4711})
    connection.execute("SET lock_timeout = '100ms'")
    assert not value(connection, "SELECT jikan_sync.count_traits(0)")
    assert value(connection, "SELECT jikan_sync.is_recounting()")
    left = []
    while value(connection, count):
        left.append(value(connection, outdated))
    assert left == [4, 1]
    assert value(connection, "SELECT jikan_sync.is_recounting()")
    storing.commit()
    assert value(connection, count)
    assert not value(connection, "SELECT jikan_sync.is_recounting()")
    assert value(connection, outdated) == 0
    assert not value(connection, count)
    assert value(connection, "SELECT max(anime_count) FROM jikan_sync.trait") == 7


def test_a_newcomer_is_in_every_answer_until_it_is_placed(connection: Connection) -> None:
    store(connection, {"mal_id": 1}, {"mal_id": 2})
    embed_all(connection, {1: AT[1], 2: AT[2]})
    connection.execute("SELECT jikan_sync.count_traits()")
    connection.execute("SELECT jikan_sync.refresh_neighbours()")
    store(connection, {"mal_id": 3})
    embed_all(connection, {3: AT[3]})
    similar = "SELECT array_agg(mal_id) FROM anime.similar(1)"
    assert value(connection, similar) == [2, 3]
    connection.execute("DELETE FROM jikan_sync.newcomer")
    assert value(connection, "SELECT mal_ids FROM jikan.neighbour ORDER BY anime_id") == [2]


def test_newcomers_without_a_vector_crowd_none_out(connection: Connection) -> None:
    store(connection, {"mal_id": 1}, {"mal_id": 2})
    embed_all(connection, {1: AT[1], 2: AT[3]})
    connection.execute("SELECT jikan_sync.count_traits()")
    connection.execute("SELECT jikan_sync.refresh_neighbours()")
    store(connection, {"mal_id": 3})
    embed_all(connection, {3: AT[2]})
    store(connection, *({"mal_id": mal_id} for mal_id in range(4, 64)))
    assert value(connection, "SELECT array_agg(mal_id) FROM anime.similar(1, max_rows => 1)") == [3]


def test_more_genres_than_an_index_takes_are_stored_and_found(connection: Connection) -> None:
    genres = [
        {"mal_id": n, "type": "anime", "name": hashlib.sha256(bytes(n)).hexdigest(), "url": ""}
        for n in range(1, 300)
    ]
    store(connection, {"mal_id": 1}, {"mal_id": 2, "genres": genres})
    embed_all(connection, {1: AT[1], 2: AT[2]})
    assert (
        value(connection, "SELECT cardinality(genre_names) FROM jikan.anime WHERE mal_id = 2")
        == 299
    )
    assert value(connection, "SELECT mal_id FROM anime.similar(1)") == 2


def test_who_is_gone_is_no_newcomer(connection: Connection) -> None:
    store(connection, {"mal_id": 1})
    connection.execute("DELETE FROM jikan.anime")
    connection.execute("SELECT jikan_sync.refresh_neighbours()")
    assert value(connection, "SELECT count(*) FROM jikan_sync.newcomer") == 0
