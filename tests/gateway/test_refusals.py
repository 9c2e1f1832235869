"""Every bad parameter is told at once, in Jikan's words; what is no route is not found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

Ask = Callable[..., tuple[int, Any]]

#: A parameter, what it was given, and what is said.
FAULTS = [
    ("limit", "50", "Value 50 is higher than the configured '25' max value."),
    ("limit", "0", "The limit must be at least 1."),
    ("page", "0", "The page must be at least 1."),
    ("page", "two", "The page must be an integer."),
    ("page", "99999999999", "The page must be an integer."),
    ("min_score", "abc", "The min score must be a number."),
    ("max_score", "1000", "The max score must be between 1 and 10."),
    ("score", "9.991", "The score must be between 1 and 9.99."),
    ("sfw", "maybe", "The sfw field must be true or false."),
    ("unapproved", "2", "The unapproved field must be true or false."),
    ("type", "film", "The selected type is invalid."),
    ("status", "running", "The selected status is invalid."),
    ("rating", "x", "The selected rating is invalid."),
    ("order_by", "password", "The selected order by is invalid."),
    ("sort", "up", "The selected sort is invalid."),
    ("start_date", "2024", "The start date does not match the format Y-m-d."),
    ("end_date", "2024-02-30", "The end date does not match the format Y-m-d."),
    ("q", "x" * 256, "The q may not be greater than 255 characters."),
    ("q", "a\x01b", "The q format is invalid."),
    ("genres", "1," * 501, "The genres may not be greater than 1000 characters."),
    ("producers", "1," * 501, "The producers may not be greater than 1000 characters."),
    ("letter", "ab", "The letter may not be greater than 1 characters."),
    ("letter", "1", "The letter format is invalid."),
]
PAIRS = [
    (
        {"min_score": "8", "max_score": "5"},
        {
            "min_score": ["The min score must be less than or equal 5."],
            "max_score": ["The max score must be greater than or equal 8."],
        },
    ),
    (
        {"start_date": "2024-02-01", "end_date": "2024-01-01"},
        {
            "start_date": ["The start date must be a date before or equal to end date."],
            "end_date": ["The end date must be a date after or equal to start date."],
        },
    ),
    (
        {"score": "8", "min_score": "5"},
        {"score": ["The score field prohibits min score / max score from being present."]},
    ),
    ({"letter": "a", "q": "b"}, {"letter": ["The letter field prohibits q from being present."]}),
]


@pytest.mark.parametrize(("name", "value", "message"), FAULTS)
def test_a_fault_is_told(ask: Ask, name: str, value: str, message: str) -> None:
    status, answer = ask("/v4/anime", **{name: value})
    assert status == 400
    assert answer == {
        "status": 400,
        "type": "ValidationException",
        "messages": {name: [message]},
        "error": "Invalid or incomplete request. Make sure your request is correct. "
        "https://docs.api.jikan.moe/",
    }


@pytest.mark.parametrize(("query", "messages"), PAIRS)
def test_what_does_not_go_together_is_told(
    ask: Ask, query: dict[str, str], messages: dict[str, list[str]]
) -> None:
    status, answer = ask("/anime", **query)
    assert (status, answer["messages"]) == (400, messages)


def test_all_faults_are_told_at_once(ask: Ask) -> None:
    status, answer = ask("/anime", limit="26", type="x", min_score="y", sfw="z", nonsense="ignored")
    assert status == 400
    assert list(answer["messages"]) == ["type", "min_score", "sfw", "limit"]


def test_what_is_seen_in_the_wild_is_survived(ask: Ask) -> None:
    for path, query in (
        ("//anime", {}),
        ("/v4/anime/", {"": "1"}),
        ("/v1/anime", {"letter": "", "q": "", "page": "", "type": ""}),
        ("/anime", {"sfw": "", "genres": ",1,,x,-3,99999999999", "producers": "'; DROP TABLE x"}),
        ("/top/anime", {"filter": "bypopularity", "q": "not a parameter here"}),
    ):
        status, answer = ask(path, **query)
        assert (status, answer["data"]) == (200, []), (path, query)


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/v4", "/v4/", "/v4/v4/anime", "/v2/anime", "/anime/-1", "/anime/0", "/anime/x",
        "/anime/1e3", "/anime/1/nothing", "/anime/1/full/more", "/seasons/-1/winter",
        "/seasons/24/winter", "/seasons/2024/autumn", "/schedules/someday", "/top", "/anime/%",
        "/anime/1/episodes/x", "/anime/{id}", "/ANIME", "/anime/\x01", "/seasons/2024",
        "/reviews/anime", "/anime/1/forum", "/anime/1/userupdates",  # nothing fills them
    ],
)  # fmt: skip
def test_no_route_is_not_found(ask: Ask, path: str) -> None:
    wanted = {"status": 404, "type": "HttpException", "message": "Not Found", "error": None}
    assert ask(path) == (404, wanted)


def test_nothing_that_one_can_write_raises(connection: psycopg.Connection[Any]) -> None:
    for path, query in (
        (None, None),
        ("/anime", "[]"),
        ("/anime", "null"),
        ("/anime", '{"q": null, "page": {"a": 1}, "limit": [5]}'),
        ("/anime", '{"page": 2, "limit": 5, "sfw": true}'),
    ):
        row = connection.execute(
            "SELECT (anime.v4(%s, %s::jsonb, NULL)).status", [path, query]
        ).fetchone()
        assert row is not None
        assert row[0] in (200, 400, 404)
