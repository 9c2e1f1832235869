"""Where a filter leaves too few neighbours, what else passes is looked at by the same rules."""

from __future__ import annotations

from typing import Any

import pytest
from tests.vector_steps import Connection, embed_all, refresh, set_setting, store, unit

CROWD = {n: unit(1.0, 0.0, 0.0, n / 1000) for n in range(101, 131)}


def fill(connection: Connection, vectors: dict[int, str], *documents: dict[str, Any]) -> None:
    """Beside thirty titles of 2010 that fill the lists: what is of 1999 is in none of them."""
    set_setting(connection, "neighbour_count", "10")
    crowd = [{"mal_id": n, "title": f"Crowd {chr(n)}{chr(n)}"} for n in CROWD]
    store(connection, *({"year": 2010, **document} for document in [*crowd, *documents]))
    embed_all(connection, CROWD | vectors)


def old(connection: Connection, call: str) -> list[int]:
    """What is recommended of 1999."""
    query = f"SELECT mal_id FROM anime.{call[:-1]}, year_to => 1999)"
    return [row[0] for row in connection.execute(query.encode()).fetchall()]


@pytest.mark.parametrize(
    "call",
    [
        "similar(1)",
        "recommend('{1}')",
        "recommend('{101}', '{1}')",
        "recommend_for('{\"1\": 9}')",
        'recommend_for(\'{"101": 9, "1": 2}\')',
        'recommend_for(\'{"101": 9, "1": null}\')',
    ],
)
def test_a_sequel_by_relations_does_not_come_back(connection: Connection, call: str) -> None:
    fill(
        connection,
        {1: unit(1.0), 2: unit(1.0, 1.0), 3: unit(0.0, 1.0)},
        {"mal_id": 1},
        {"mal_id": 2, "year": 1999},
        {"mal_id": 3, "year": 1999},
    )
    refresh(connection)
    assert 2 in old(connection, call)
    connection.execute("INSERT INTO jikan.franchise VALUES (1, 1), (2, 1)")  # and no refresh yet
    assert old(connection, call) == [3]
    assert 2 in old(connection, f"{call[:-1]}, with_franchise => true)")


@pytest.mark.parametrize(
    "sequel",
    [
        {"title": "Shingeki no Kyojin Season 2"},
        {"title": "Gekijouban Shingeki no Kyojin"},
        {"title_english": "The Last Attack on Titan"},
    ],
)
@pytest.mark.parametrize("call", ["similar(1)", "recommend('{1,101}')"])
def test_a_sequel_by_name_does_not_come_back(
    connection: Connection, sequel: dict[str, str], call: str
) -> None:
    fill(
        connection,
        {1: unit(1.0), 2: unit(1.0, 1.0), 3: unit(0.0, 1.0)},
        {"mal_id": 1, "title": "Shingeki no Kyojin", "title_english": "Attack on Titan"},
        {"mal_id": 2, "year": 1999, **sequel},
        {"mal_id": 3, "year": 1999},
    )
    assert old(connection, call) == [3]


def test_the_sequel_by_name_of_what_was_only_seen_does_not_come_back(
    connection: Connection,
) -> None:
    fill(
        connection,
        {1: unit(1.0), 2: unit(1.0, 1.0), 3: unit(0.0, 1.0)},
        {"mal_id": 1, "title": "Shingeki no Kyojin"},
        {"mal_id": 2, "year": 1999, "title": "Shingeki no Kyojin Season 2"},
        {"mal_id": 3, "year": 1999},
    )
    refresh(connection)
    assert old(connection, "recommend_for('{\"101\": 9}')") == [2, 3]
    assert old(connection, 'recommend_for(\'{"101": 9, "1": 0}\')') == [3]


def test_dislikes_count(connection: Connection) -> None:
    fill(
        connection,
        {
            1: unit(1.0),
            2: unit(0.0, 1.0),
            3: unit(0.1, 1.0),
            4: unit(0.09, 1.0),
            5: unit(0.0, 0.0, 1.0),
        },
        {"mal_id": 1},
        {"mal_id": 2},
        *({"mal_id": n, "year": 1999} for n in (3, 4, 5)),
    )
    assert old(connection, "recommend('{1}')") == [3, 4, 5]
    assert old(connection, "recommend('{1}', '{2}')")[0] == 5
    assert old(connection, 'recommend_for(\'{"1": 9, "2": 1}\')')[0] == 5
    set_setting(connection, "recommend_dislike_weight", "0")
    assert old(connection, "recommend('{1}', '{2}')")[0] == 3


def test_what_is_liked_more_counts_more(connection: Connection) -> None:
    fill(
        connection,
        {1: unit(1.0, 0.3), 2: unit(1.0, -0.3), 3: unit(0.0, 1.0, 1.0), 4: unit(0.0, -1.0, 1.0)},
        {"mal_id": 1},
        {"mal_id": 2},
        {"mal_id": 3, "year": 1999},
        {"mal_id": 4, "year": 1999},
    )
    assert old(connection, 'recommend_for(\'{"1": 10, "2": 6}\')') == [3, 4]
    assert old(connection, 'recommend_for(\'{"1": 6, "2": 10}\')') == [4, 3]
