"""The right question for each task, and whether an answer is to that question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from pgjikan.client import JikanClient
from pgjikan.client.tasks import mismatch
from tests.client.conftest import Serve
from tests.conftest import Simulate
from tests.jikan_paths import request_for


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("anime", {"mal_id": 52991}),
        ("images", {"mal_id": 1}),
        ("reviews", {"mal_id": 1}),
        ("characters", {"mal_id": 1}),
        ("statistics", {"mal_id": 1}),
        ("search", {"query": "a & b=c?#%"}),
        ("search", {"query": "進撃の巨人 é ~-._"}),
        ("season", {"season": "now"}),
        ("season", {"season": "airing"}),
        ("season", {"season": "upcoming", "page": 3}),
        ("season", {"year": 2024, "season": "fall"}),
        ("catalogue", {}),
        ("catalogue", {"page": 40}),
    ],
)
def test_the_database_says_what_to_ask(
    connection: psycopg.Connection[Any], kind: str, payload: dict[str, Any]
) -> None:
    task = kind if kind in ("anime", "search", "season", "catalogue") else "facet"
    [(path,)] = connection.execute(
        "SELECT jikan_sync.request_path(%s, %s, %s)",
        [task, payload.get("mal_id"), Jsonb(payload | {"facet": kind})],
    ).fetchall()
    assert path == request_for(kind, payload)


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
        ("facet", {"data": [], "pagination": {"has_next_page": True}}, True),
        ("facet", {"data": {"promo": []}}, True),
        ("facet", {"data": [], "pagination": {"has_next_page": 1}}, False),
    ],
)
def test_an_answer_is_to_the_question(kind: str, document: Any, matches: bool) -> None:
    assert (mismatch(kind, 7, document) is None) is matches


def test_every_recorded_answer_matches_its_question(shared: Path) -> None:
    folder = shared / "jikan/recorded"
    asked = {"anime-*-full.json": "anime", "search-*.json": "search", "season*-p1.json": "season"}
    asked |= {"reviews-5*.json": "facet", "pictures-*.json": "facet", "videos-*.json": "facet"}
    seen = 0
    for pattern, kind in asked.items():
        for file in folder.glob(pattern):
            document = json.loads(file.read_text(encoding="utf-8"))
            mal_id = int(file.name.split("-")[1]) if kind == "anime" else None
            assert mismatch(kind, mal_id, document) is None, file.name
            seen += 1
    assert seen > 60


def test_another_title_is_invalid_and_an_absent_one_not_found(
    client: JikanClient, serve: Serve, simulate: Simulate
) -> None:
    url = serve(200, b'{"data":{"mal_id":2}}')
    got = client.fetch_task("anime", "/anime/1/full", mal_id=1, base_url=url)
    assert (got.outcome, got.body, got.message) == ("invalid", None, "asked for mal_id 1, got 2")
    with simulate() as simulator:
        got = client.fetch_task("anime", "/anime/2/full", mal_id=2, base_url=simulator.url)
        assert got.outcome == "not_found"
        got = client.fetch_task("anime", "/anime/1/full", mal_id=1, base_url=simulator.url)
        assert got.outcome == "ok"


@pytest.mark.parametrize(
    ("location", "new"),
    [
        ("{root}/anime/7/full", 7),
        ("{root}/anime/7", 7),
        ("{root}/anime/7/", 7),
        ("/v4/anime/7/full", 7),
        ("../7/full", 7),
        ("{root}/anime/5/full", None),  # itself
        ("{root}/anime/0/full", None),
        ("{root}/anime/7/pictures", None),
        ("{root}/anime/7/full?key=x", None),
        ("{root}/manga/7/full", None),
        ("{root}/anime/9999999999/full", None),
        ("/anime/7/full", None),  # not under the base URL
        ("https://elsewhere.example/v4/anime/7/full", None),
        ("//elsewhere.example/v4/anime/7/full", None),
        ("", None),
    ],
)
def test_a_redirect_to_another_title_says_which(
    client: JikanClient, serve: Serve, location: str, new: int | None
) -> None:
    for status in (301, 302, 307, 308):
        base_url = serve(status, b"", Location=location)
        got = client.fetch_task("anime", "/anime/5/full", mal_id=5, base_url=base_url)
        assert got.status == status
        assert got.moved_to == new, got
        if new is None:
            assert got.outcome == "upstream_error"
        else:
            assert (got.outcome, got.message) == ("not_found", f"{status}: moved to {new}")
        assert len(serve.seen) == 1, "it was followed"
        serve.seen.clear()
