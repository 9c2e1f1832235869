"""Search, similar, recommend and search_semantic filter alike: there is one rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.vector_steps import Connection, claim, embed_all, store, unit

FILM = 2
#: Every way to the same titles, each with room for its filters.
CALLS = [
    "anime.search('title', max_rows => 20, {})",
    "anime.search_cached('title', max_rows => 20, {})",
    "anime.similar(1, max_rows => 20, {})",
    "anime.recommend('{{1}}', max_rows => 20, {})",
    "anime.recommend_for('{{\"1\": 9}}', max_rows => 20, {})",
    "anime.search_semantic('what the film is about', max_rows => 20, {})",
]


@pytest.fixture
def films(connection: Connection) -> Connection:
    """A series of 1998, a film that began to air in the last hours of 2001, and two more."""
    store(
        connection,
        {"mal_id": 1, "type": "TV", "year": 1998, "season": "spring"},
        {"mal_id": FILM, "type": "Movie", "aired": {"from": "2001-12-31T23:30:00+00:00"}},
        {"mal_id": 3, "type": "TV", "year": 2002, "aired": {"from": "2001-12-30T00:00:00+00:00"}},
        {"mal_id": 4, "type": "OVA"},
    )
    vectors = {mal_id: unit(1.0, mal_id / 10) for mal_id in range(1, 5)}
    embed_all(connection, vectors)
    # Its query's vector, so that search_semantic answers by meaning and not by words.
    connection.execute("SELECT FROM anime.search_semantic('what the film is about')")
    (text,) = claim(connection)
    connection.execute(
        "SELECT jikan_sync.store_embeddings(%s, %s, %s, %s::bigint[], %s, %s, 5)",
        [text.model_id, [text.task_id], [text.lease_token], [None], [text.input_hash], [unit(1.0)]],
    )
    return connection


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Los_Angeles"])
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.split("(")[0])
def test_a_film_is_of_the_year_in_which_it_began_to_air(
    films: Connection, connect: Callable[..., Connection], call: str, zone: str
) -> None:
    reader = connect(role="anime_reader", options=f"-c timezone={zone}")
    for filters, expected in {
        "year_from => 2001, year_to => 2001": {FILM},
        "year_to => 2001, types => '{Movie}'": {FILM},
        "year_from => 2002": {3},
        "year_to => 2000, types => '{Movie}'": set(),
    }.items():
        rows: list[Any] = reader.execute(f"SELECT mal_id FROM {call.format(filters)}").fetchall()
        assert {row[0] for row in rows} == expected, filters


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.split("(")[0])
def test_names_are_taken_in_any_case_and_refused_where_there_are_none(
    films: Connection, call: str
) -> None:
    for filters in ("types => '{movie}'", "types => '{MOVIE, tv special}'"):
        rows: list[Any] = films.execute(f"SELECT mal_id FROM {call.format(filters)}").fetchall()
        assert [row[0] for row in rows] == [FILM]
    statuses = "statuses => '{finished airing, not yet aired}'"
    assert films.execute(f"SELECT count(*) FROM {call.format(statuses)}").fetchone() == (0,)
    for filters, said in {
        "types => '{Series}'": "types cannot be 'Series'",
        "types => '{tv,NULL}'": "types cannot be 'NULL'",
        "statuses => '{airing}'": "statuses cannot be 'airing'",
    }.items():
        with pytest.raises(psycopg.errors.InvalidParameterValue) as refused:
            films.execute(f"SELECT FROM {call.format(filters)}")
        assert refused.value.diag.message_primary == said
        assert str(refused.value.diag.message_hint).startswith("There are ")
