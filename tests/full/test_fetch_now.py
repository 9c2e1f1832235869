"""anime.fetch_now on a server that has plpython3u: the sidecar's client, inside PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.conftest import Simulate

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
