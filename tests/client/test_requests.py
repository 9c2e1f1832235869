"""The right question for each task, and whether an answer is to that question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pgjikan.client import JikanClient, document_matches, request_for
from pgjikan.simulator import Simulator
from tests.client.conftest import Serve

LISTED = {"limit": "25", "page": "1"}


@pytest.mark.parametrize(
    ("kind", "payload", "path", "params"),
    [
        ("anime", {"mal_id": 52991}, "/anime/52991/full", {}),
        ("pictures", {"mal_id": 1}, "/anime/1/pictures", {}),
        (
            "reviews",
            {"mal_id": 1, "page": 2},
            "/anime/1/reviews",
            {"preliminary": "true", "spoilers": "true", "page": "2"},
        ),
        ("search", {"query": "a & b=c?#%"}, "/anime", {"q": "a & b=c?#%", **LISTED}),
        ("season", {"season": "now"}, "/seasons/now", LISTED),
        (
            "season",
            {"season": "airing"},
            "/anime",
            LISTED | {"status": "airing", "order_by": "mal_id", "sort": "asc"},
        ),
        ("season", {"season": "upcoming", "page": 3}, "/seasons/upcoming", LISTED | {"page": "3"}),
        ("season", {"year": 2024, "season": "fall"}, "/seasons/2024/fall", LISTED),
        ("catalogue", {}, "/anime", {"order_by": "mal_id", "sort": "asc", **LISTED}),
    ],
)
def test_request_for(kind: str, payload: Any, path: str, params: Any) -> None:
    assert request_for(kind, payload) == (path, params)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("embed", {"mal_id": 1}),
        ("anime", {}),
        ("anime", {"mal_id": "1/../../users"}),
        ("anime", {"mal_id": True}),
        ("anime", {"mal_id": 0}),
        ("search", {"query": "  "}),
        ("search", {"query": "x" * 256}),
        ("search", {"query": None}),
        ("search", {"query": "naruto", "page": 0}),
        ("season", {"year": 2024, "season": "monsoon"}),
        ("season", {"season": "fall"}),
    ],
)
def test_what_cannot_be_asked_is_rejected_unasked(
    client: JikanClient, kind: str, payload: Any
) -> None:
    with pytest.raises(ValueError):
        request_for(kind, payload)
    with Simulator() as simulator:
        got = client.fetch_task(kind, payload, base_url=simulator.url)
        assert got.outcome == "rejected"
        assert got.message
        assert simulator.stats()["total"] == 0


@pytest.mark.parametrize(
    ("kind", "document", "matches"),
    [
        ("anime", {"data": {"mal_id": 7}}, True),
        ("anime", {"data": {"mal_id": 8}}, False),
        ("anime", {"data": {"mal_id": "7"}}, False),
        ("anime", {"data": {}}, False),
        ("anime", {"data": []}, False),
        ("search", {"data": []}, True),
        ("search", {"data": {"mal_id": 7}}, False),
        ("search", {"data": [1, "x"]}, False),
        ("search", {"data": [{"mal_id": 1}, None]}, True),
        ("catalogue", {"data": [], "pagination": {"has_next_page": False}}, True),
        ("catalogue", {"data": [], "pagination": {"has_next_page": "no"}}, False),
        ("season", {"data": [], "pagination": []}, False),
        ("reviews", {"data": [], "pagination": {"has_next_page": True}}, True),
        ("pictures", {"data": []}, True),
        ("pictures", {"data": {}}, False),
    ],
)
def test_document_matches(kind: str, document: Any, matches: bool) -> None:
    assert document_matches(kind, {"mal_id": 7}, json.dumps(document)) is matches


def test_every_recorded_answer_matches_its_question(shared: Path) -> None:
    folder = shared / "jikan/recorded"
    asked = {"anime-*-full.json": "anime", "search-*.json": "search", "season*-p1.json": "season"}
    asked |= {"reviews-5*.json": "reviews", "pictures-*.json": "pictures"}
    seen = 0
    for pattern, kind in asked.items():
        for file in folder.glob(pattern):
            body = file.read_text(encoding="utf-8")
            payload = {}
            if kind == "anime":
                payload = {"mal_id": int(file.name.split("-")[1])}
            assert document_matches(kind, payload, body), file.name
            seen += 1
    assert seen > 60


def test_another_title_is_invalid_and_an_absent_one_not_found(
    client: JikanClient, serve: Serve
) -> None:
    url = serve(200, b'{"data":{"mal_id":2}}')
    got = client.fetch_task("anime", {"mal_id": 1}, base_url=url)
    assert (got.outcome, got.body, got.message) == ("invalid", None, "asked for mal_id 1, got 2")
    with Simulator() as simulator:
        got = client.fetch_task("anime", {"mal_id": 2}, base_url=simulator.url)
        assert got.outcome == "not_found"
        got = client.fetch_task("anime", {"mal_id": 1}, base_url=simulator.url)
        assert got.outcome == "ok"
