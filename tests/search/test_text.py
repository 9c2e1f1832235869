"""Who remembers no title may remember the story: a weak leg, never an answer to stop at."""

from __future__ import annotations

import pytest

from tests.search.conftest import Insert, Search

PIRATES = "A boy whose body is made of rubber sails with pirates to look for a treasure."


@pytest.fixture(autouse=True)
def stories(insert: Insert) -> None:
    insert(1, title="Grand Sea", synopsis=PIRATES, members=1_000_000, type="TV", score=8.5)
    insert(2, title="Grand Sea Film", synopsis=PIRATES, members=50_000, type="Movie", score=7.0)
    insert(3, title="What Nobody Saw", synopsis=PIRATES, members=300)
    insert(4, title="Rubber Treasure", synopsis="Two rivals cook.", members=20_000)


def test_words_of_the_story_find_it_without_confidence(search: Search) -> None:
    hits = search("pirate boys sailing")
    assert [(hit[0], hit[2], hit[4]) for hit in hits] == [(1, "text", False), (2, "text", False)]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"types": ["Movie"]}, [2]),
        ({"min_score": 8.0}, [1]),
        ({"types": ["OVA"]}, []),
    ],
)
def test_filters_hold(search: Search, filters: dict[str, object], expected: list[int]) -> None:
    assert [hit[0] for hit in search("pirates sail", **filters)] == expected


def test_a_title_comes_first_and_stops_the_search(search: Search) -> None:
    assert [hit[0] for hit in search("rubber treasure")] == [4]


def test_no_word_may_be_missing_and_one_is_not_enough(search: Search) -> None:
    assert search("pirates spaceship") == []
    assert search("pirates") == []
    assert search("of the with a") == []
