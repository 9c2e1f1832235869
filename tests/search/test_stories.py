"""search_semantic by what happens: the words of the story, in English and in other languages."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.vector_steps import Connection, answer, claim, store, unit, value

WITCH = "A young witch moves to the countryside with her black cat and learns old magic."
DIVER = "Divers search for a sunken city, and a ghost follows them through the water."
RACER = "Two brothers race old cars down a mountain road at night."


@pytest.fixture
def stories(connection: Connection) -> Connection:
    """Three stories and twenty without one, all with one vector, which so decides nothing."""
    store(
        connection,
        {"mal_id": 1, "synopsis": WITCH},
        {"mal_id": 2, "synopsis": DIVER},
        {"mal_id": 3, "synopsis": RACER},
        *({"mal_id": mal_id, "synopsis": "A day at school."} for mal_id in range(10, 30)),
    )
    embed_all(connection)
    return connection


def embed_all(connection: Connection) -> None:
    while texts := claim(connection):
        answer(connection, texts)


def found(connection: Connection, query: str, **options: Any) -> list[int]:
    """The mal_ids, before the query has a vector and when it has one."""
    call = "SELECT mal_id FROM anime.search_semantic(%s, max_rows => 3)"
    first = [row[0] for row in connection.execute(call, [query]).fetchall()]
    embed_all(connection)
    again = [row[0] for row in connection.execute(call, [query]).fetchall()]
    assert first[:1] == again[:1]
    return again


def learn(connection: Connection, vectors: dict[str, str]) -> list[str]:
    """Embed the words that are asked for; what has no vector here gets one of its own."""
    words = connection.execute("SELECT w.* FROM jikan_sync.claim_words() AS w").fetchall()
    if words:
        at = [
            vectors.get(word[4]) or unit(*([0.0] * (place + 10)), 1.0)
            for place, word in enumerate(words)
        ]
        connection.execute(
            "SELECT jikan_sync.store_words(%s, %s, %s::text[], %s)",
            [words[0][0], [word[4] for word in words], [word[5] for word in words], at],
        )
    return [word[4] for word in words]


def test_a_story_is_found_by_its_words_whatever_their_endings(stories: Connection) -> None:
    assert found(stories, "a girl who learns magic from witches")[0] == 1
    assert found(stories, "diving for cities under the sea")[0] == 2


def test_a_rare_word_counts_more_than_common_ones(stories: Connection) -> None:
    assert found(stories, "a day at a school with a ghost")[0] == 2


def test_a_changed_synopsis_is_found_by_its_new_words_only(stories: Connection) -> None:
    store(stories, {"mal_id": 1, "synopsis": "Nothing but tax law."})
    embed_all(stories)

    assert value(stories, "SELECT count(*) FROM jikan_sync.story_word WHERE lexeme = 'witch'") == 0
    assert found(stories, "about tax law")[0] == 1


def test_filters_hold_for_stories(stories: Connection) -> None:
    stories.execute("UPDATE jikan.anime SET type = 'Movie' WHERE mal_id = 2")
    call = "SELECT mal_id FROM anime.search_semantic('witch or ghost', types => '{Movie}')"

    assert [row[0] for row in stories.execute(call).fetchall()] == [2]


def test_a_foreign_word_is_read_by_what_is_near_it(stories: Connection) -> None:
    # A word becomes a reading when three anime have it.
    store(stories, *({"mal_id": i, "synopsis": "One witch."} for i in (4, 5)))
    embed_all(stories)
    near = {"witch": unit(1.0), "hexe": unit(1.0, 0.1)}
    assert "witch" in learn(stories, near)

    query = "Die Hexe und das Dorf"
    stories.execute("SELECT FROM anime.search_semantic(%s)", [query])
    embed_all(stories)
    assert sorted(learn(stories, near)) == ["dorf", "hexe"]
    assert learn(stories, near) == []

    terms = "SELECT lexeme FROM jikan_sync.story_terms(%s) WHERE word = 'hexe' ORDER BY gain DESC"
    row = stories.execute(terms, [query]).fetchone()
    assert row is not None and row[0] == "witch"
    rows = stories.execute("SELECT mal_id FROM anime.search_semantic(%s, 3)", [query]).fetchall()
    assert {row[0] for row in rows} == {1, 4, 5}


def test_words_are_put_to_a_provider_only_where_it_reads_them(stories: Connection) -> None:
    stories.execute("UPDATE jikan_sync.embedding_provider SET reads_words = false")
    stories.execute("SELECT FROM anime.search_semantic('Die Hexe und das Dorf')")
    embed_all(stories)

    assert learn(stories, {}) == []
    assert value(stories, "SELECT count(*) FROM jikan_sync.foreign_word") == 0


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("the witch and her cat", []),
        ("die Hexe und ihre Katze", ["hexe", "katze"]),
        ("una bruja y su gato negro", ["bruja", "gato", "negro"]),
        ("魔女のネコ", ["ネコ", "魔女"]),
    ],
)
def test_the_language_of_a_query_is_told_by_its_little_words(
    connection: Connection, query: str, words: list[str]
) -> None:
    rows = connection.execute("SELECT word FROM jikan_sync.foreign_words(%s)", [query]).fetchall()

    assert sorted(row[0] for row in rows) == words


def test_a_provider_gets_as_much_of_a_text_as_it_reads(connection: Connection) -> None:
    connection.execute("UPDATE jikan_sync.embedding_provider SET max_characters = 50")
    store(connection, {"mal_id": 1, "synopsis": "word " * 400})

    (text,) = claim(connection)
    assert len(text.input) == 50


def test_arrays_of_different_lengths_are_refused(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        connection.execute("SELECT jikan_sync.store_words(1, '{a,b}', '{a}', '{}')")
