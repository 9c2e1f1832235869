"""A mirror of a few titles, and a gateway before it on a loopback port."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import psycopg
import pytest

from pgjikan.gateway.server import GatewayThread, listen, url_of
from pgjikan.gateway.settings import GatewaySettings

Connection = psycopg.Connection[Any]


@pytest.fixture
def store(connection: Connection) -> Callable[..., None]:
    """`store(document, …, source="list")` stores Jikan documents."""

    def put(*documents: dict[str, Any], source: str = "list") -> None:
        connection.execute(
            "SELECT jikan_sync.store_anime(%s::jsonb, %s)", [json.dumps(documents), source]
        )

    return put


@pytest.fixture
def ask(connection: Connection) -> Callable[..., tuple[int, Any]]:
    """`ask(path, parameter=value, …)` is what the database answers: status and JSON."""

    def get(path: str, **query: Any) -> tuple[int, Any]:
        row = connection.execute(
            "SELECT r.status, r.body FROM anime.v4_cached(%s, %s::jsonb) AS r",
            [path, json.dumps({name: str(value) for name, value in query.items()})],
        ).fetchone()
        assert row is not None
        return row[0], json.loads(row[1])

    return get


@pytest.fixture
def serve(database: str) -> Iterator[Callable[..., str]]:
    """`serve(setting=value, …)` starts a gateway and answers its URL without version."""
    running: list[tuple[GatewayThread, Event]] = []

    def start(**settings: Any) -> str:
        listening, stop = listen("127.0.0.1", 0), Event()
        chosen = {"dsn": database, "access_log": False, "connections": 2, **settings}
        thread = GatewayThread(listening, GatewaySettings(**chosen), stop)
        thread.start()
        running.append((thread, stop))
        return url_of(listening, "127.0.0.1").removesuffix("/v4")

    yield start
    for thread, stop in running:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()
        assert thread.failure is None
