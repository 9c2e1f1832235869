"""What search knows follows the anime, in one session or several."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tests.search.conftest import Insert, Search

EVERYTHING = """
    SELECT 'title' AS kind, to_jsonb(t) AS fact FROM jikan.title AS t
    UNION ALL
    SELECT 'word', to_jsonb(w) FROM jikan_sync.title_word AS w
    ORDER BY 1, 2
"""


def test_a_renamed_anime_is_found_by_its_new_title_only(
    connection: psycopg.Connection[Any], insert: Insert, search: Search
) -> None:
    insert(1, title="Kimi no Suizou wo Tabetai", english="I Want to Eat Your Pancreas")
    assert [hit[0] for hit in search("pancreas")] == [1]
    connection.execute(
        "UPDATE jikan.anime SET title = 'Other Words', titles = %s",
        [Jsonb([{"type": "Default", "title": "Other Words"}])],
    )
    assert search("pancreas") == []
    assert [hit[0] for hit in search("words")] == [1]


def test_indexing_again_changes_nothing(
    connection: psycopg.Connection[Any], catalogue: dict[int, int]
) -> None:
    before = connection.execute(EVERYTHING).fetchall()
    connection.execute("SELECT jikan_sync.index_titles(%s)", [list(catalogue.values())])
    assert connection.execute(EVERYTHING).fetchall() == before
    assert len(before) > 2 * len(catalogue)


def test_a_tombstoned_anime_is_not_found(
    connection: psycopg.Connection[Any], catalogue: dict[int, int], search: Search
) -> None:
    connection.execute(
        """
        UPDATE jikan.anime
        SET missing_count = 3, first_missing_at = now(), last_missing_at = now(),
            removed_at = now()
        WHERE mal_id = 20
        """
    )
    assert 20 not in {hit[0] for hit in search("naruto")}
    left = connection.execute("SELECT 1 FROM jikan.title WHERE anime_id = %s", [catalogue[20]])
    assert left.fetchall() == []


def test_a_deleted_anime_leaves_nothing(
    connection: psycopg.Connection[Any], catalogue: dict[int, int]
) -> None:
    connection.execute("DELETE FROM jikan.anime WHERE mal_id <> 21")
    left = {fact["anime_id"] for _, fact in connection.execute(EVERYTHING)}
    assert left == {catalogue[21]}


def test_what_became_popular_comes_before_what_was(
    connection: psycopg.Connection[Any], insert: Insert, search: Search
) -> None:
    for number in range(200):
        insert(100 + number, title=f"Moon Saga {number:03}", members=1_000)
    newcomer = insert(1, title="Moon Zenith", members=10)
    assert 1 not in {hit[0] for hit in search("moon")}
    connection.execute("UPDATE jikan.anime SET members = 900000 WHERE id = %s", [newcomer])
    assert search("moon")[0][0] == 1


def test_titles_no_one_could_type_do_no_harm(insert: Insert, search: Search) -> None:
    insert(1, title="???")
    insert(2, title="")
    insert(3, title="x" * 5000)
    insert(4, title="🎉 %_\\ 'quote\" ∀", synonyms=["", "ok"])
    assert [hit[0] for hit in search("ok")] == [4]
    assert [hit[0] for hit in search("x" * 150)] == [3]
    assert search("???") == []


def test_two_sessions_index_the_same_words_without_waiting(
    connection: psycopg.Connection[Any],
    connect: Callable[..., psycopg.Connection[Any]],
    insert: Insert,
    search: Search,
) -> None:
    """A sidecar's open transaction holds nobody up, and both orders of words end well."""
    first = insert(1, title="placeholder one")
    second = insert(2, title="placeholder two")
    one, two = connect(autocommit=False), connect(autocommit=False)
    for session, anime_id, titles in (
        (one, first, ["Zebra Apple", "Mango Kiwi"]),
        (two, second, ["Mango Zebra", "Kiwi Apple"]),
    ):
        session.execute("SET LOCAL lock_timeout = '1s'")
        session.execute(
            "UPDATE jikan.anime SET titles = %s WHERE id = %s",
            [Jsonb([{"type": "Synonym", "title": each} for each in titles]), anime_id],
        )
        session.execute("SELECT jikan_sync.index_titles(%s)", [[anime_id]])
    one.commit()
    two.commit()
    assert {hit[0] for hit in search("zebra")} == {1, 2}
    assert {hit[0] for hit in search("zebar")} == {1, 2}
    assert {hit[0] for hit in search("kiwi apple")} == {2}
