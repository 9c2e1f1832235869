"""The gateway as an ASGI application: from a request line to what ``anime.v4`` says."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from urllib.parse import parse_qsl, unquote

import structlog
from psycopg.conninfo import make_conninfo
from starlette.requests import Request as OwnRequest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from pgjikan.gateway import meters, refusals
from pgjikan.gateway.bell import Bell
from pgjikan.gateway.database import AWAY, Answer, Database, Question
from pgjikan.gateway.encoding import GZIP_MARK
from pgjikan.gateway.kept import Kept, Request, Sent
from pgjikan.gateway.limits import MissLimits, counted
from pgjikan.gateway.misses import Waiting
from pgjikan.gateway.passing import PassThrough
from pgjikan.gateway.refusals import Reply
from pgjikan.gateway.settings import GatewaySettings
from pgjikan.gateway.wishes import Wishes, known_by
from pgjikan.settings import STANDBYS_FIRST, names_several_hosts, read_settings

log = structlog.get_logger()

_VERSION = re.compile(rb"^/+v[14](?=/|$)")
_PREFLIGHT = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-max-age", b"86400"),
    (b"allow", b"GET, HEAD, OPTIONS"),
)


class Gateway:
    """Answers every path but the server's own three."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        connections, seconds = settings.connections, settings.answer_seconds
        self.database = Database(settings.dsn, connections, seconds, STANDBYS_FIRST)
        self.primary = self.database
        self.wishes: Wishes | None = None
        if settings.primary_dsn or names_several_hosts(settings.dsn):
            primary_dsn = settings.primary_dsn or make_conninfo(
                settings.dsn, target_session_attrs="read-write", load_balance_hosts="disable"
            )
            self.primary = Database(primary_dsn, connections, seconds)
            self.wishes = Wishes(self.primary, settings.wishes)
        self.kept = Kept()
        self.bell = Bell(self.primary.conninfo, self.kept)
        self.waiting = Waiting(self.database, self.bell, self.primary if self.wishes else None)
        self.limits = MissLimits(settings.misses_at_once, settings.misses_per_minute)
        self.passing = (
            PassThrough(self.primary, read_settings(), settings.pass_seconds)
            if settings.pass_through
            else None
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open the sessions, and close them in the end."""
        databases = {self.database, self.primary}
        for database in databases:
            await database.open()
        works = [self.bell.run(), *([self.wishes.run()] if self.wishes is not None else [])]
        tasks = [asyncio.create_task(work) for work in works]
        for task in tasks:
            task.add_done_callback(_mourn)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            if self.passing is not None:
                self.passing.close()
            for database in databases:
                await database.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        started = time.perf_counter()
        headers = _headers(scope)
        path, query = _line(scope)
        request = Request.of(scope["method"], path, query, headers)
        sent = self._said(request, scope) if request is not None else None
        if sent is None:
            changes = self.kept.changes
            reply = await self._safe_reply(scope)
            sent = Sent.of(reply, headers)
            if request is not None:
                self.kept.put(request._replace(asks=sent.reply.asks), sent, changes)
        else:
            meters.KEPT.inc()
        status, body = sent.reply.status, sent.body
        await send({"type": "http.response.start", "status": status, "headers": sent.headers})
        if scope["method"] == "HEAD" or status in (204, 304):
            body = b""
        await send({"type": "http.response.body", "body": body})
        self._count(scope, sent.reply, len(body), time.perf_counter() - started)

    def _said(self, request: Request, scope: Scope) -> Sent | None:
        """What was said to the same request; that nobody asked for the rest, only to who cannot."""
        sent = self.kept.find(request)
        if sent is None and not self.limits.may_enter(counted(_client(scope))):
            return self.kept.find(request._replace(asks=False))
        return sent

    async def _safe_reply(self, scope: Scope) -> Reply:
        try:
            return await self._reply(scope)
        except (asyncio.CancelledError, GeneratorExit):
            raise
        except AWAY as error:
            log.warning("database_lost", error=" ".join(str(error).split()))
            return refusals.NO_DATABASE
        except Exception:
            log.exception("request_failed", path=scope["path"][:200])
            return refusals.FAILED

    async def _reply(self, scope: Scope) -> Reply:
        method, headers = scope["method"], _headers(scope)
        raw_path, raw_query = _line(scope)
        if len(raw_path) + len(raw_query) > self.settings.max_url:
            return refusals.URL_TOO_LONG
        if headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers:
            # Before the method: it is this answer that closes, and nobody reads the body.
            return refusals.BODY_UNWANTED
        if method == "OPTIONS":
            return Reply(204, b"", {name.decode(): value.decode() for name, value in _PREFLIGHT})
        if method not in ("GET", "HEAD"):
            return refusals.WRONG_METHOD
        question = _question(raw_path, raw_query, headers)
        answer = await self._answer(question, counted(_client(scope)))
        if answer.status == 404 and self.passing is not None and b"HttpException" in answer.body:
            answer = await self.passing.answer(question) or answer
        said = dict(answer.headers)
        if said.get("Cache-Control", "").startswith("public"):
            said["X-Request-Fingerprint"] = fingerprint(raw_path, raw_query)
        return Reply(answer.status, answer.body, said, answer.keep_for, answer.asks)

    async def _answer(self, question: Question, client: str) -> Answer:
        if not await self.limits.enter(client):
            # Who caused too many misses may still read what is here.
            answer = await self.database.read(question)
            if answer.status == 504:
                limited = refusals.RATE_LIMITED
                return Answer(limited.status, dict(limited.headers), limited.body)
            return replace(answer, asks=False)
        told, is_miss = None, False
        try:
            answer = await self.database.ask(question)
            if answer.has_wish:
                told = self._tell(question, answer)
            is_miss = answer.was_asked or answer.is_miss or told is not None
        finally:
            self.limits.leave(client, is_miss=is_miss)
        if answer.has_wish and told is None and answer.status == 504:
            return Answer(504, {**answer.headers, "Retry-After": "5"}, answer.body)
        if not answer.is_miss or (answer.has_wish and told is None):
            return answer
        with self.limits.hold(client):
            meters.WAITING.inc()
            try:
                if told is not None:
                    answer = await known_by(told, answer)
                return await self.waiting.better(question, answer) if answer.is_miss else answer
            finally:
                meters.WAITING.dec()

    def _tell(self, question: Question, answer: Answer) -> asyncio.Future[Answer] | None:
        """Have the primary told what a standby could not ask for; None: it will not be."""
        if self.wishes is None:
            meters.WISHES.labels("nowhere").inc()
            return None
        return self.wishes.tell(question, answer)

    def _count(self, scope: Scope, reply: Reply, size: int, seconds: float) -> None:
        word = _resource(scope["path"])
        cache = reply.headers.get("X-Cache-Status", "")
        meters.REQUESTS.labels(word, str(reply.status), cache).inc()
        meters.SECONDS.labels(word).observe(seconds)
        if self.settings.access_log:
            query = scope["query_string"].decode("latin-1")
            log.info(
                "request_answered",
                method=scope["method"],
                url=(scope["path"] + ("?" + query if query else ""))[:300],
                status=reply.status,
                cache=cache or None,
                bytes=size,
                ms=round(seconds * 1000, 1),
                client=_client(scope),
            )


def make_app(settings: GatewaySettings) -> ASGIApp:
    """The application: the server's own routes, and the gateway for everything else."""
    gateway = Gateway(settings)

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        async with gateway.running():
            yield

    async def healthz(_request: OwnRequest) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: OwnRequest) -> Response:
        ready = await gateway.database.is_ready()
        return JSONResponse({"ready": ready}, status_code=200 if ready else 503)

    async def metrics(_request: OwnRequest) -> Response:
        for state, count in gateway.database.sizes().items():
            meters.SESSIONS.labels(state).set(count)
        if gateway.wishes is not None:
            meters.WISHES_WAITING.set(len(gateway.wishes))
        body, content_type = meters.page()
        return Response(body, media_type=content_type)

    router = Router(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
        ],
        lifespan=lifespan,
    )
    own = {route.path for route in router.routes if isinstance(route, Route)}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Nearly all requests are the gateway's: they need not pass the router.
        is_own = scope["type"] != "http" or scope["path"] in own
        await (router if is_own else gateway)(scope, receive, send)

    return app


def worker_app() -> ASGIApp:
    """The application of a process that uvicorn started, by the settings in its environment."""
    from pgjikan import log as logging

    logging.configure()
    return make_app(GatewaySettings.from_environment())


def fingerprint(raw_path: bytes, raw_query: bytes) -> str:
    """What Jikan calls a request: its first word, and a hash of the URI with /v4."""
    bare = _VERSION.sub(b"", raw_path)
    word = bare.strip(b"/").split(b"/")[0].decode("latin-1")
    uri = b"/v4" + bare + (b"?" + raw_query if raw_query else b"")
    return f"request:{word}:{hashlib.sha1(uri, usedforsecurity=False).hexdigest()}"


def _question(raw_path: bytes, raw_query: bytes, headers: Mapping[bytes, bytes]) -> Question:
    # The database's text cannot hold a zero; another control character is as wrong everywhere.
    path = unquote(raw_path.decode("latin-1"), errors="replace").replace("\0", "\1")
    pairs = parse_qsl(
        raw_query.decode("latin-1"),
        keep_blank_values=True,
        errors="replace",
        max_num_fields=None,
    )
    query = {name.replace("\0", "\1"): value.replace("\0", "\1") for name, value in pairs}
    known, mirror = headers.get(b"if-none-match"), headers.get(b"pgjikan-mirror")
    tags = None if known is None else known.decode("latin-1").replace(GZIP_MARK, "")
    return Question(path, query, tags, None if mirror is None else mirror.decode("latin-1"))


def _line(scope: Scope) -> tuple[bytes, bytes]:
    """Path and query as they came."""
    return scope.get("raw_path") or scope["path"].encode(), scope["query_string"]


def _headers(scope: Scope) -> dict[bytes, bytes]:
    return dict(scope["headers"])


def _client(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else ""


def _resource(path: str) -> str:
    words = [word for word in path.split("/", 4) if word and word not in ("v4", "v1")]
    return words[0] if words and words[0] in meters.RESOURCES else "other"


def _mourn(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("listener_died", exc_info=task.exception())
