"""The dashboard on a free loopback port, as `pgjikan dashboard` serves it, and a browser for it."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from aiohttp import web
from playwright.sync_api import Browser, Page, expect, sync_playwright

from pgjikan.dashboard import make_app
from pgjikan.gateway.server import listen

Connection = psycopg.Connection[Any]

# Nobody but this machine: no service of Google's, no picture from elsewhere.
ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
PATIENCE = 30_000  # ms


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; without it these tests fail rather than skip.

    Not longer than a module: while it is open, its event loop counts as running in this thread.
    """
    chromium = shutil.which("chromium")
    assert chromium is not None, "chromium is not installed: apt-get install chromium"
    expect.set_options(timeout=PATIENCE)
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium, args=[ALONE]) as launched,
    ):
        yield launched


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """The dashboard in a browser; at the end it has complained of nothing and asked nobody else."""
    with browser.new_page() as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(site)
        expect(page.locator("#jobs tbody tr").nth(5)).to_be_visible()
        yield page
        assert complaints(page) == []
        assert [url for url in asked if not url.startswith(site)] == []


def complaints(page: Page) -> list[str]:
    """What the page wrote to the console, and the errors that it did not catch."""
    page.evaluate("1")  # whatever is still to be heard
    return [
        *(message.text for message in page.console_messages(filter="all")),
        *(error.message for error in page.page_errors(filter="all")),
    ]


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
