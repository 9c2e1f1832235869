"""anime.fetch_now on a server that has plpython3u: the sidecar's client, inside PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.client.conftest import Serve
from tests.conftest import Simulate
from tests.store.documents import full

pytestmark = pytest.mark.full

Connect = Callable[..., psycopg.Connection[Any]]


def test_fetches_stores_and_counts(
    connection: psycopg.Connection[Any], connect: Connect, simulate: Simulate
) -> None:
    with simulate() as jikan:
        connection.execute(
            "UPDATE jikan_sync.provider SET base_url = %s WHERE rank = 1", [jikan.url]
        )
        row = connect(role="anime_reader").execute("SELECT anime.fetch_now(1)").fetchone()
        assert row is not None
        assert row[0]["outcome"] == "ok"
        assert row[0]["anime"]["mal_id"] == 1
        requests = jikan.stats()["requests"]
    assert [r["path"] for r in requests] == ["/anime/1/full"]
    assert requests[0]["user_agent"].startswith("pgjikan/")
    row = connection.execute(
        "SELECT a.is_full, s.request_count, r.tat > now() FROM jikan.anime AS a,"
        " jikan_sync.request_stat AS s, jikan_sync.rate_limit AS r"
        " WHERE a.mal_id = 1 AND r.subject = 'provider:tenrai' AND r.period = '1 minute'"
    ).fetchone()
    assert row == (True, 1, True)


def test_a_dead_provider_is_an_answer_and_opens_the_breaker(
    connection: psycopg.Connection[Any],
) -> None:
    connection.execute("UPDATE jikan_sync.provider SET base_url = 'http://127.0.0.1:1/v4'")
    connection.execute("UPDATE jikan_sync.provider SET per_second = NULL, per_minute = NULL")
    outcomes = [
        connection.execute("SELECT anime.fetch_now(%s) ->> 'outcome'", [n]).fetchone()
        for n in range(1, 8)
    ]
    assert outcomes == [("transport_error",)] * 5 + [("unavailable",)] * 2


@pytest.fixture
def serve() -> Iterator[Serve]:
    serve = Serve()
    yield serve
    serve.close()


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (404, {"status": 404, "type": "BadResponseException"}, "not_found"),
        (200, {"data": full(1, year=99_999_999_999)}, "rejected"),
        (200, {"data": full(1)}, "ok"),
    ],
)
def test_the_last_answer_is_heeded(
    connection: psycopg.Connection[Any],
    connect: Connect,
    serve: Serve,
    status: int,
    body: dict[str, Any],
    outcome: str,
) -> None:
    url = serve(status, json.dumps(body).encode())
    connection.execute("UPDATE jikan_sync.provider SET base_url = %s WHERE rank = 1", [url])
    reader = connect(role="anime_reader")
    told = []
    for _ in range(5):
        row = reader.execute("SELECT anime.fetch_now(1)").fetchone()
        assert row is not None
        told.append(row[0])
    assert [said["outcome"] for said in told] == [outcome] + ["recently_asked"] * 4
    assert len(serve.seen) == 1
    assert ("anime" in told[0]) is (outcome == "ok")
    if outcome == "rejected":
        assert "out of range" in told[0]["message"]
    last = "stored" if outcome == "ok" else outcome
    assert told[1]["message"].startswith(f"its last answer, {last} at "), told[1]
