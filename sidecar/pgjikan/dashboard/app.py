"""The page's routes: the files, the stream, the search, the redrive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import psycopg
import structlog
from aiohttp import web

from pgjikan.dashboard import questions
from pgjikan.dashboard.feed import Feed, encode
from pgjikan.dashboard.guard import add_headers, guard
from pgjikan.dashboard.session import Session

log = structlog.get_logger()

STATIC = Path(str(files("pgjikan.dashboard").joinpath("static")))

FEED: web.AppKey[Feed] = web.AppKey("feed", Feed)
SESSION: web.AppKey[Session] = web.AppKey("session", Session)


def make_app(dsn: str, host: str = "127.0.0.1") -> web.Application:
    """The dashboard of the database at ``dsn``, to be served on ``host``."""
    app = web.Application(middlewares=[guard(host)], client_max_size=64 * 1024)

    async def attend(app: web.Application) -> AsyncIterator[None]:
        app[FEED] = Feed(dsn)
        app[SESSION] = Session(dsn)
        task = asyncio.create_task(app[FEED].run())
        task.add_done_callback(_mourn)
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await app[SESSION].close()

    async def end_streams(app: web.Application) -> None:
        app[FEED].end()

    app.cleanup_ctx.append(attend)
    app.on_shutdown.append(end_streams)
    app.on_response_prepare.append(add_headers)
    app.router.add_get("/", index)
    app.router.add_static("/static", STATIC)
    app.router.add_get("/api/events", events)
    app.router.add_get("/api/search", search)
    app.router.add_post("/api/redrive", redrive)
    return app


async def index(_request: web.Request) -> web.FileResponse:
    """The page."""
    return web.FileResponse(STATIC / "index.html")


async def events(request: web.Request) -> web.StreamResponse:
    """The state and every change of it, as server-sent events."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    feed = request.app[FEED]
    stream = feed.open()
    try:
        async for message in stream.messages():
            await response.write(message.encode())
    except ConnectionResetError:
        pass  # the page was closed
    finally:
        feed.close(stream)
    return response


async def search(request: web.Request) -> web.Response:
    """Rows for `q`; with `ask` the search may go upstream, without it only reads."""
    parameters = {"query": request.query.get("q", "")}
    question = questions.SEARCH if "ask" in request.query else questions.SEARCH_CACHED
    session = request.app[SESSION]
    try:
        started = time.perf_counter()
        rows = await session.rows(question, parameters)
        elapsed = (time.perf_counter() - started) * 1000
        [status] = await session.rows(questions.SEARCH_STATUS, parameters)
    except psycopg.Error as error:
        return _failed(error)
    return _json({"rows": rows, "status": status, "elapsed_ms": round(elapsed, 1)})


async def redrive(request: web.Request) -> web.Response:
    """Put the dead letters named in `{"ids": [...]}` back into the queue; `null`: all."""
    try:
        ids = (await request.json())["ids"]
        if ids is not None and not all(type(one) is int for one in ids):
            raise TypeError
    except (ValueError, KeyError, TypeError):
        return _json({"error": 'expected {"ids": [1, 2]} or {"ids": null}'}, status=400)
    try:
        [row] = await request.app[SESSION].rows(questions.REDRIVE, {"ids": ids})
    except psycopg.Error as error:
        return _failed(error)
    request.app[FEED].nudge()
    return _json(row)


def _mourn(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("dashboard_feed_died", exc_info=task.exception())


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(text=encode(value), status=status, content_type="application/json")


def _failed(error: psycopg.Error) -> web.Response:
    is_ours = isinstance(error, psycopg.DataError)
    return _json({"error": " ".join(str(error).split())}, status=400 if is_ours else 503)
