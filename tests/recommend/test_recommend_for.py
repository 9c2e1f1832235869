"""recommend_for: a person's scores, as an object or an array, and what cannot be meant."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from tests.vector_steps import Connection, embed_all, set_setting, store, unit, value

AT = {1: unit(1.0), 2: unit(1.0, 0.2), 3: unit(1.0, 0.5), 4: unit(1.0, 1.0), 5: unit(0.0, 1.0)}
FORM = (
    'Pass {"mal_id": score, …} or [{"mal_id": …, "score": …}, …]; scores are 1 to 10, '
    "0 or null for what was seen and not scored."
)
NO_TASTE = "Without a taste to go by, order anime.catalog by score."
NOTHING_LIKED = "scores must hold at least one title scored above 5"
NO_LIST = "scores must be a JSON object or array"


def recommend_for(connection: Connection, scores: Any) -> list[int]:
    rows = connection.execute(
        "SELECT mal_id FROM anime.recommend_for(%s::jsonb)", [json.dumps(scores)]
    )
    return [row[0] for row in rows.fetchall()]


def rows(scores: dict[int, Any]) -> list[dict[str, Any]]:
    return [{"mal_id": mal_id, "score": score} for mal_id, score in scores.items()]


@pytest.fixture
def five(connection: Connection) -> Connection:
    """Five titles on a quarter circle, in order, alike in all else."""
    store(connection, *({"mal_id": mal_id} for mal_id in AT))
    embed_all(connection, AT)
    return connection


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({1: 10}, [2, 3, 4, 5]),
        ({5: 5.5}, [4, 3, 2, 1]),
        ({3: 8, 1: 1}, [4, 2, 5]),
        ({1: 10, 2: 0}, [3, 4, 5]),
        ({1: 10, 2: None}, [3, 4, 5]),
        ({1: 10, 2: 5}, [3, 4, 5]),
        ({1: "10", 2: "0"}, [3, 4, 5]),
        ({1: 10, 900: 9, 901: None}, [2, 3, 4, 5]),
        ({1: 10, 2: 9, 3: 0, 4: None, 5: 1}, []),
        ({900: 9}, []),
    ],
)
def test_an_object_and_an_array_say_the_same(
    five: Connection, scores: dict[int, Any], expected: list[int]
) -> None:
    assert recommend_for(five, scores) == expected
    assert recommend_for(five, rows(scores)) == expected
    assert recommend_for(five, [{**row, "status": "x"} for row in rows(scores)]) == expected


def test_seen_is_no_opinion(five: Connection) -> None:
    ranks = "SELECT array_agg(rank) FROM anime.recommend_for(%s) WHERE mal_id IN (4, 5)"
    alone = value(five, ranks, '{"1": 10}')
    assert value(five, ranks, '{"1": 10, "2": 0, "3": null}') == alone
    assert value(five, ranks, '{"1": 10, "2": 9, "3": 1}') != alone


def test_twice_is_the_better_score(five: Connection) -> None:
    assert recommend_for(five, [*rows({1: 2}), *rows({1: 9})]) == [2, 3, 4, 5]


def test_what_is_liked_and_not_mirrored_is_asked_for(five: Connection) -> None:
    recommend_for(five, {1: 10, 900: 9, 901: None, 902: 10})
    five.execute("SELECT jikan_sync.fold_wishes()")
    queued = "SELECT array_agg(mal_id ORDER BY mal_id) FROM jikan_sync.queue WHERE task = 'anime'"
    assert value(five, queued) == [900, 902]


@pytest.mark.parametrize(
    ("scores", "message", "hint"),
    [
        (None, NO_LIST, FORM),
        ("null", NO_LIST, FORM),
        ("7", NO_LIST, FORM),
        ('"1"', NO_LIST, FORM),
        ('{"1": 11}', "1 has the score 11", FORM),
        ('{"1": 10.5}', "1 has the score 10.5", FORM),
        ('{"1": -1}', "1 has the score -1", FORM),
        ('{"1": "good"}', "1 has the score good", FORM),
        ('{"1": true}', "1 has the score true", FORM),
        ('{"1": [9]}', "1 has the score [9]", FORM),
        ('{"naruto": 9}', "naruto has the score 9", FORM),
        ('{"0": 9}', "0 has the score 9", FORM),
        ('{"9999999999": 9}', "9999999999 has the score 9", FORM),
        ("[9]", "an entry has the score null", FORM),
        ("[null]", "an entry has the score null", FORM),
        ('[{"score": 9}]', "an entry has the score 9", FORM),
        ('[{"mal_id": 1.5, "score": 9}]', "1.5 has the score 9", FORM),
        ("{}", NOTHING_LIKED, NO_TASTE),
        ("[]", NOTHING_LIKED, NO_TASTE),
        ('{"1": 5, "2": 0, "3": null, "4": 1}', NOTHING_LIKED, NO_TASTE),
        ('{"900": 5, "901": null}', NOTHING_LIKED, NO_TASTE),
    ],
)
def test_scores_that_cannot_be_meant(
    five: Connection, scores: str | None, message: str, hint: str
) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as caught:
        five.execute("SELECT FROM anime.recommend_for(%s::jsonb)", [scores])
    assert caught.value.diag.message_primary == message
    assert caught.value.diag.message_hint == hint


def test_what_is_too_large_is_not_called_no_list(five: Connection) -> None:
    scores = "jsonb_build_object('1', 9, '2', repeat('9', 5000000))"
    with pytest.raises(psycopg.errors.InvalidParameterValue) as caught:
        five.execute(f"SELECT FROM anime.recommend_for({scores})".encode())
    assert caught.value.diag.message_primary == "scores must have 5 MB at most"
    assert caught.value.diag.message_hint == FORM


def test_a_long_message_is_cut(five: Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as caught:
        five.execute("SELECT FROM anime.recommend_for(%s)", [json.dumps({"1": "x" * 100_000})])
    assert caught.value.diag.message_primary == ("1 has the score " + "x" * 200)[:200]


def test_filters_and_franchises_are_those_of_recommend(connection: Connection) -> None:
    set_setting(connection, "recommend_popularity_weight", "0")
    store(
        connection,
        {"mal_id": 1, "title": "Mob Psycho"},
        {"mal_id": 2, "title": "Mob Psycho II", "type": "Movie", "year": 2001},
        {"mal_id": 3, "type": "Movie", "year": 1999},
        {"mal_id": 4, "type": "TV", "year": 2001, "score": 8},
        {"mal_id": 5, "rating": "Rx - Hentai"},
    )
    embed_all(connection, AT)
    for arguments, expected in {
        "": [3, 4],
        ", max_rows => 1": [3],
        ", with_franchise => true": [2, 3, 4],
        ", types => '{TV}'": [4],
        ", year_to => 2000": [3],
        ", min_score => 7": [4],
        ", nsfw => true": [3, 4, 5],
    }.items():
        query = f"SELECT mal_id FROM anime.recommend_for('{{\"1\": 9}}'{arguments})"
        found = [row[0] for row in connection.execute(query.encode()).fetchall()]
        assert found == expected, arguments
