"""A gateway over the database that asks is no upstream of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import requests

from pgjikan.probe import probe
from pgjikan.settings import Settings

Connection = psycopg.Connection[Any]


def test_a_mirror_is_refused_by_its_own_gateway(
    connection: Connection, store: Callable[..., None], serve: Callable[..., str]
) -> None:
    store({"mal_id": 1, "title": "Cowboy Bebop"})
    url = serve() + "/v4"
    connection.execute("UPDATE jikan_sync.provider SET base_url = %s WHERE name = 'jikan'", [url])
    response = probe(connection, Settings(), "jikan")
    assert response is not None
    assert response.outcome == "upstream_error"
    assert "Loop Detected" in response.message


def test_another_mirror_is_answered(
    connection: Connection, store: Callable[..., None], serve: Callable[..., str]
) -> None:
    store({"mal_id": 1, "title": "Cowboy Bebop"})
    row = connection.execute("SELECT jikan_sync.mirror_id()").fetchone()
    assert row is not None
    url = serve() + "/v4/anime/1"
    for _ in range(2):  # what is kept is not for everybody either
        assert requests.get(url, timeout=10).status_code == 200
        other = {"Pgjikan-Mirror": "0" * 32}
        assert requests.get(url, headers=other, timeout=10).status_code == 200
        own = requests.get(url, headers={"Pgjikan-Mirror": row[0]}, timeout=10)
        assert (own.status_code, own.json()["type"]) == (508, "HttpException")
