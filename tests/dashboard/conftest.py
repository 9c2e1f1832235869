"""The dashboard on a free loopback port, as `pgjikan dashboard` serves it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from aiohttp import web

from pgjikan.dashboard import make_app
from pgjikan.gateway.server import listen

Connection = psycopg.Connection[Any]


@contextmanager
def serve(database: str, port: int = 0) -> Iterator[str]:
    """A dashboard of a database, in a thread; its address."""
    listening = listen("127.0.0.1", port)
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(make_app(database), access_log=None, shutdown_timeout=0.1)
    ready = threading.Event()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(runner.setup())
        loop.run_until_complete(web.SockSite(runner, listening).start())
        loop.call_soon(ready.set)
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run, name="dashboard")
    thread.start()
    assert ready.wait(10)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


@pytest.fixture
def site(database: str) -> Iterator[str]:
    """The address of a dashboard of the test's database."""
    with serve(database) as address:
        yield address


@pytest.fixture
def give_up(connection: Connection) -> Callable[..., int]:
    """`give_up(mal_id, message)`: a dead letter about an anime; its id."""

    def die(mal_id: int, message: str = "does not fit") -> int:
        connection.execute("UPDATE jikan_sync.retry_policy SET max_attempts = 1")
        connection.execute("SELECT jikan_sync.enqueue('anime', %s, priority => 'high')", [mal_id])
        row = connection.execute(
            "SELECT t.id, jikan_sync.fail(t.id, t.lease_token, 'row', %s)"
            " FROM jikan_sync.claim('test', 'jikan') AS t",
            [message],
        ).fetchone()
        assert row is not None and row[1] == "dead"
        return int(row[0])

    return die
