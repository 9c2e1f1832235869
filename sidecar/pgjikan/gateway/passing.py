"""Routes that the database does not answer, asked of an upstream: seldom, and nothing is stored.

The provider, its limiter and its breaker are the database's, the same as the sidecar's; a login
that may use them is a member of jikan_sidecar. Only the path and the query go out, under our own
headers.
"""

from __future__ import annotations

import asyncio
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import structlog

from pgjikan.client import JikanClient, Response
from pgjikan.gateway import refusals
from pgjikan.gateway.database import Answer, Database, Question
from pgjikan.gateway.refusals import Reply
from pgjikan.settings import Settings

log = structlog.get_logger()

#: What may go out: words and ids, nothing that could leave the provider's folder.
_PATH = re.compile(r"(?:/v[14])?((?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*){1,5})")
#: Jikan's own resources; nobody upstream is asked for another, such as a browser's favicon.ico.
_RESOURCES = frozenset(
    {
        "anime", "manga", "characters", "people", "clubs", "users", "producers", "magazines",
        "genres", "seasons", "schedules", "top", "random", "recommendations", "reviews", "watch",
    }
)  # fmt: skip
#: The longest wait for the provider's limiter; beyond it the caller is told to come back.
_PATIENCE = 2.0

_RESERVE = (
    "SELECT r.provider, r.base_url, r.key_header, r.wait, r.is_first, jikan_sync.mirror_id() "
    "FROM jikan_sync.reserve_request(subject => %(subject)s) AS r"
)
_REPORT = (
    "SELECT jikan_sync.report_request(provider => %(provider)s, outcome => %(outcome)s, "
    "task => 'pass_through', subject => %(subject)s, status => %(status)s, "
    "retry_after => %(retry_after)s, elapsed_ms => %(elapsed_ms)s, bytes => %(bytes)s)"
)


class PassThrough:
    """Asks an upstream for one route at a time, and at most one every ``seconds``."""

    def __init__(self, database: Database, settings: Settings, seconds: float) -> None:
        self._database = database
        self._settings = settings
        self._seconds = seconds
        self._next = 0.0
        self._is_busy = False
        self._client = JikanClient(contact=settings.contact or None, deadline=15.0)
        self._thread = ThreadPoolExecutor(1, "pass-through")

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    async def answer(self, question: Question) -> Answer | None:
        """What an upstream says; None: nobody should be asked that."""
        path = _PATH.fullmatch(question.path.rstrip("/"))
        if path is None:
            return None
        resource = path[1].split("/")[1]
        if resource not in _RESOURCES or resource == "anime":
            return None
        # None queues: who would be answered minutes later has gone by then.
        if self._is_busy or time.monotonic() < self._next:
            return _said(refusals.RATE_LIMITED)
        self._next = time.monotonic() + self._seconds
        self._is_busy = True
        try:
            return await self._fetch(path[1], question)
        finally:
            self._is_busy = False

    async def _fetch(self, path: str, question: Question) -> Answer:
        row = await self._database.row(_RESERVE, {"subject": f"pass_through:{path}"})
        if row is None:
            return _said(refusals.UPSTREAM_FAILED)
        provider, base_url, key_header, wait, is_first, mirror_id = row
        self._client.introduce(mirror_id)
        if wait > timedelta(seconds=_PATIENCE):
            return _said(refusals.RATE_LIMITED)
        await asyncio.sleep(wait.total_seconds())
        override = self._settings.jikan_url if is_first else None
        key = self._settings.server_keys.get(provider)
        response = await asyncio.get_running_loop().run_in_executor(
            self._thread,
            lambda: self._client.fetch(
                path,
                question.query,
                base_url=str(override.get_secret_value()) if override else base_url,
                key_header=key_header,
                key=key.get_secret_value() if key else None,
            ),
        )
        await self._database.row(_REPORT, _report(provider, path, response))
        log.info("passed_through", provider=provider, path=path, outcome=response.outcome)
        return _answer(response)


def _report(provider: str, path: str, response: Response) -> dict[str, Any]:
    after = response.retry_after_seconds
    return {
        "provider": provider,
        "outcome": response.outcome,
        "subject": f"pass_through:{path}",
        "status": response.status,
        "retry_after": None if after is None else timedelta(seconds=after),
        "elapsed_ms": response.elapsed_ms,
        "bytes": response.bytes,
    }


def _answer(response: Response) -> Answer:
    if response.outcome == "ok" and response.body is not None:
        headers = {"Cache-Control": "must-revalidate, private", "X-Cache-Status": "MISS"}
        return Answer(200, headers, response.body.encode())
    if response.outcome in ("not_found", "rejected") and response.refusal is not None:
        # In the upstream's own words.
        headers = {"Cache-Control": "no-cache, private"}
        return Answer(response.status or 400, headers, response.refusal.encode())
    if response.outcome == "not_found":
        return _said(refusals.refusal(404, "BadResponseException", "Resource does not exist"))
    if response.outcome == "rejected":
        return _said(refusals.refusal(400, "BadRequestException", "Bad Request"))
    if response.outcome == "rate_limited":
        return _said(refusals.RATE_LIMITED)
    return _said(refusals.UPSTREAM_FAILED)


def _said(reply: Reply) -> Answer:
    return Answer(reply.status, dict(reply.headers), reply.body)
