"""Without a fault the simulator says what its gateway says; what it has not is nowhere."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import psycopg
import pytest
import requests
from psycopg.types.json import Jsonb

from pgjikan.client import JikanClient
from pgjikan.simulator import Simulator
from tests.conftest import Simulate
from tests.jikan_paths import request_for
from tests.simulator.conftest import Get
from tests.simulator.recordings import Recordings


def ids(answer: requests.Response) -> list[int]:
    return [item["mal_id"] for item in answer.json()["data"]]


@pytest.mark.parametrize(
    "path",
    ["/anime/1", "/anime/1/full", "/anime?q=naruto", "/top/anime?limit=3", "/anime?limit=26"],
)
def test_the_answer_is_the_gateways(get: Get, simulated: str, path: str) -> None:
    split = urlsplit(path)
    with psycopg.connect(simulated) as connection:
        row = connection.execute(
            "SELECT r.status, r.body FROM anime.v4_cached(%s, %s::jsonb) AS r",
            [split.path, Jsonb(dict(parse_qsl(split.query)))],
        ).fetchone()
    answer = get(path)
    assert (answer.status_code, answer.text) == row
    assert (answer.status_code == 200) == ("Content-Encoding" in answer.headers)
    assert len(ids(get("/anime", q="naruto"))) >= 2


def test_a_version_that_is_known_is_not_sent_again(simulator: Simulator) -> None:
    with requests.Session() as session:
        session.headers["User-Agent"] = "stranger/1"
        first = session.get(f"{simulator.url}/anime/1", timeout=10)
        known = {"If-None-Match": first.headers["ETag"]}
        second = session.get(f"{simulator.url}/anime/1", headers=known, timeout=10)
    assert (second.status_code, second.content) == (304, b"")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/anime/2", "BadResponseException"),
        ("/anime/2/full", "BadResponseException"),
        ("/anime/5/characters", "BadResponseException"),
        ("/users/me", "HttpException"),
    ],
)
def test_what_it_has_not_is_nowhere(get: Get, path: str, kind: str) -> None:
    answer = get(path)
    assert (answer.status_code, answer.json()["type"]) == (404, kind)


def test_parts_are_published_with_their_titles(get: Get) -> None:
    assert len(get("/anime/5/pictures").json()["data"]) == 3
    assert get("/anime/21/reviews").json()["data"] == [], "while it airs all are preliminary"
    everything = {"preliminary": "true", "spoilers": "true"}
    pages = [get("/anime/21/reviews", **everything, page=page).json() for page in (1, 2, 3)]
    assert [len(page["data"]) for page in pages] == [20, 20, 2]


def test_every_title_is_on_one_page_of_the_catalogue(
    client: JikanClient, simulator: Simulator, get: Get
) -> None:
    path = request_for("catalogue", {})
    pages = [ids(get(path.replace("page=1", f"page={page}"))) for page in (1, 2, 3)]
    seen = [mal_id for page in pages for mal_id in page]
    assert seen == sorted(set(seen))
    assert len(seen) == simulator.stats()["titles"] == 63


def test_a_default_user_agent_is_refused(simulator: Simulator) -> None:
    with requests.Session() as bare:
        assert bare.get(f"{simulator.url}/anime/1", timeout=10).status_code == 403


def test_any_bytes_can_be_the_answer_to_a_question(
    simulator: Simulator, get: Get, client: JikanClient
) -> None:
    odd = b'{"data":{"mal_id":"two"}}'
    simulator.say("/anime/2/full", odd, X_Odd="yes")
    simulator.say("/anime?q=naruto&limit=2", b"<html>", 502)
    answer = get("/anime/2/full")
    assert (answer.content, answer.headers["X-Odd"]) == (odd, "yes")
    assert get("/anime", limit=2, q="naruto", page=1).status_code == 502
    assert get("/anime", limit=3, q="naruto").status_code == 200
    simulator.fault("429", next=1)
    assert get("/anime/2/full").status_code == 429, "a fault strikes it too"
    assert client.fetch_task("anime", "/anime/2/full", mal_id=2, base_url=simulator.url).outcome


def test_a_recorded_question_gets_its_recorded_answer(shared: Path, simulate: Simulate) -> None:
    folder = shared / "jikan/recorded"
    recordings = Recordings(folder)
    with simulate(recordings.titles()) as simulator, requests.Session() as session:
        recordings.say_by_url(simulator)
        session.headers["User-Agent"] = "stranger/1"

        def ask(path: str) -> requests.Response:
            return session.get(simulator.url + path, timeout=10)

        frieren = ask("/anime?q=Frieren&type=tv&limit=3&page=1")
        assert frieren.content == (folder / "search-frieren-tv.json").read_bytes()
        season = ask("/seasons/2010/fall?limit=25")
        assert season.headers["Last-Modified"] == "Thu, 01 Jan 1970 00:00:00 GMT"
        assert ask("/anime/52991/staff").status_code == 200
        assert ask("/anime/52991/news?page=1").status_code == 500
        assert 52991 in ids(ask("/anime?q=frieren")), "not recorded: found in the bodies"
