"""Filters belong to the search: what they drop makes room for what they keep."""

from __future__ import annotations

from typing import Any

import pytest

from tests.search.conftest import Insert, Search


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, {20, 1735}),
        ({"nsfw": True}, {20, 1735, 801}),
        ({"year_from": 2002, "year_to": 2002}, {20}),
        ({"types": ["Movie"]}, set()),
        ({"types": ["Movie", "TV"]}, {20, 1735}),
        ({"statuses": ["Currently Airing"]}, set()),
        ({"min_score": 9}, set()),
    ],
)
def test_filters(find: Search, filters: dict[str, Any], expected: set[int]) -> None:
    assert {hit[0] for hit in find("naruto", **filters)} == expected


def test_genres_are_all_wanted_in_any_case(find: Search) -> None:
    assert [hit[0] for hit in find("hunter", genres=["Action", "ADVENTURE"])] == [11061]
    assert find("hunter", genres=["action", "drama"]) == []


def test_a_filter_finds_in_every_stage(find: Search) -> None:
    for query in ("steins", "gate", "stiens gate", "oukoubakko steins"):
        assert [hit[0] for hit in find(query, types=["Special"])] == [10863], query


def test_a_rare_one_behind_many_popular_ones_is_found(insert: Insert, search: Search) -> None:
    for number in range(300):
        insert(1000 + number, title=f"Star Saga {number:03}", members=1_000_000, year=2010)
    insert(1, title="Star Saga Zero", members=10, year=1985)
    assert [hit[0] for hit in search("star", year_to=1990)] == [1]
    assert [hit[0] for hit in search("saga star", year_to=1990)] == [1]
    assert len(search("star", 50)) == 50
