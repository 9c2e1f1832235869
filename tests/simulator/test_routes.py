"""The simulator answers as the recordings show that Jikan does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from pgjikan.simulator import Simulator
from tests.simulator.conftest import Get


def shape(value: Any) -> Any:
    """The names and nesting of a document, lists by their first item."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else None


def titles(answer: Any) -> list[int]:
    return [item["mal_id"] for item in answer.json()["data"]]


def test_shapes_are_those_recorded(get: Get, shared: Path) -> None:
    recorded = shared / "jikan/recorded"
    pairs = {
        "anime-1.json": "/anime/1",
        "anime-1-full.json": "/anime/1/full",
        "pictures-52991.json": "/anime/52991/pictures",
        "reviews-52991-p1.json": "/anime/52991/reviews?preliminary=true&spoilers=true",
        "search-naruto-limit2-p1.json": "/anime?q=naruto&limit=2",
        "season-2024-summer-p1.json": "/seasons/2024/summer",
        "seasons-list.json": "/seasons",
        "top-anime-limit10.json": "/top/anime?limit=10",
        "genres-anime.json": "/genres/anime",
        "error-404-badresponse.json": "/anime/55312",
        "error-404-jikanpy2022-anime-failure.json": "/anime/-1",
        "error-400-validation-limit.json": "/anime?limit=50",
        "error-500-anime-full.json": "/anime/9999999999/full",
    }
    for name, path in pairs.items():
        want = json.loads((recorded / name).read_text(encoding="utf-8"))
        got = get(path).json()
        assert set(got) == set(want) - {"links", "meta"}, name  # of /top, which nobody reads
        row_got, row_want = got.get("data", got), want.get("data", want)
        row_got = row_got[0] if isinstance(row_got, list) else row_got
        row_want = row_want[0] if isinstance(row_want, list) else row_want
        assert set(row_got) == set(row_want), name
        for part in ("images", "trailer", "aired", "broadcast", "theme", "reactions", "user"):
            assert shape(row_got.get(part)) == shape(row_want.get(part)), (name, part)
        if "pagination" in want:
            assert shape(got["pagination"]) == shape(want["pagination"]), name
        if name.startswith("error-"):
            assert got["status"] == want["status"], name


def test_every_title_is_on_one_page_of_the_catalogue(get: Get) -> None:
    seen: list[int] = []
    page = 1
    while True:
        answer = get("/anime", order_by="mal_id", sort="asc", limit=25, page=page)
        seen += titles(answer)
        if not answer.json()["pagination"]["has_next_page"]:
            break
        page += 1
    assert seen == sorted(set(seen))
    assert (len(seen), page) == (63, 3)
    assert titles(get("/anime", order_by="mal_id", page=4)) == []


def test_search_finds_words_in_any_title_most_popular_first(get: Get) -> None:
    assert titles(get("/anime", q="naruto")) == [20, 1735]
    assert titles(get("/anime", q="ATTACK titan")) == [16498, 25777]
    assert titles(get("/anime", q="進撃")) == [16498, 25777]
    assert titles(get("/anime", q="no such title")) == []
    assert titles(get("/anime", q="naruto", limit=1, page=2)) == [1735]
    assert titles(get("/anime", q="titan", order_by="mal_id", sort="desc")) == [25777, 16498]
    assert titles(get("/anime", q="cowboy", type="movie")) == [5]
    assert 1535 not in titles(get("/anime", status="airing"))
    assert all(item["score"] >= 9 for item in get("/anime", min_score=9).json()["data"])


def test_seasons_and_lists(get: Get) -> None:
    assert titles(get("/seasons/2013/fall")) == [18679]
    assert titles(get("/seasons/now")) == [21]
    assert titles(get("/seasons/upcoming")) == [48820, 46488]
    scores = [item["score"] for item in get("/top/anime", limit=5).json()["data"]]
    assert scores == sorted(scores, reverse=True)
    assert get("/seasons").json()["data"][0] == {"year": 2026, "seasons": ["summer"]}


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/anime?limit=26", 400, "ValidationException"),
        ("/anime?page=0", 400, "ValidationException"),
        ("/anime?page=x", 400, "ValidationException"),
        ("/anime?min_score=abc", 400, "ValidationException"),
        ("/anime?order_by=mood", 400, "ValidationException"),
        ("/anime?type=radio", 400, "ValidationException"),
        ("/anime?q=" + "x" * 256, 400, "ValidationException"),
        ("/seasons/2024/fall?limit=0", 400, "ValidationException"),
        ("/anime/2", 404, "BadResponseException"),
        ("/anime/2/reviews", 404, "BadResponseException"),
        ("/seasons/2024/monsoon", 404, "HttpException"),
        ("/users/me", 404, "HttpException"),
        ("/anime/9999999999", 500, "UpstreamException"),
    ],
)
def test_errors(get: Get, path: str, status: int, kind: str) -> None:
    answer = get(path)
    assert (answer.status_code, answer.json()["type"]) == (status, kind)


def test_reviews_paginate_without_items_and_hide_preliminary_ones(get: Get) -> None:
    assert get("/anime/21/reviews").json()["data"] == []
    everything = {"preliminary": "true", "spoilers": "true"}
    pages = [get("/anime/21/reviews", **everything, page=page).json() for page in (1, 2, 3)]
    assert [len(page["data"]) for page in pages] == [20, 20, 2]
    assert pages[0]["pagination"] == {"last_visible_page": 1, "has_next_page": True}
    assert pages[2]["pagination"]["has_next_page"] is False


def test_headers_are_as_odd_as_recorded(get: Get) -> None:
    single, search, season = get("/anime/1"), get("/anime", q="x"), get("/seasons/now")
    assert "X-Request-Fingerprint" in single.headers
    assert search.headers["Expires"] == "-1"
    assert season.headers["Last-Modified"] == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert single.headers["Content-Encoding"] == "gzip"


def test_a_default_user_agent_is_refused(simulator: Simulator) -> None:
    with requests.Session() as bare:
        assert bare.get(f"{simulator.url}/anime/1", timeout=10).status_code == 403


def test_a_recorded_question_gets_its_recorded_answer(shared: Path) -> None:
    folder = shared / "jikan/recorded"
    with Simulator(folder) as simulator, requests.Session() as session:
        session.headers["User-Agent"] = "stranger/1"

        def ask(path: str) -> requests.Response:
            return session.get(simulator.url + path, timeout=10)

        frieren = ask("/anime?q=Frieren&type=tv&limit=3&page=1")
        assert frieren.content == (folder / "search-frieren-tv.json").read_bytes()
        season = ask("/seasons/2010/fall?limit=25")
        assert season.headers["Last-Modified"] == "Thu, 01 Jan 1970 00:00:00 GMT"
        assert ask("/anime/52991/staff").status_code == 200
        assert ask("/anime/52991/news?page=1").status_code == 500
        assert 52991 in titles(ask("/anime?q=frieren"))  # not recorded: found in the bodies
        simulator.add({"mal_id": 52991, "score": 1.5})
        changed = ask("/anime/52991").json()["data"]
        assert (changed["score"], changed["title"]) == (1.5, "Sousou no Frieren")
