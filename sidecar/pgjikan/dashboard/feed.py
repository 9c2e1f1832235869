"""What the database says, sent to every open page when it changes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
import structlog

from pgjikan.dashboard import questions
from pgjikan.dashboard.session import Session, connect

log = structlog.get_logger()

#: Seconds between two looks: at most, when nothing is notified, and at least.
PERIOD, GAP = 1.0, 0.25
#: How many times as long as it looked it rests: an open page takes a tenth of a core at most.
REST = 9.0
#: Seconds between two looks at what draws time.
TREND_PERIOD = 15.0
#: Seconds after which a silent stream says that it lives.
HEARTBEAT = 15.0
#: Seconds between two tries to listen again.
RETRY = 1.0


def encode(value: Any) -> str:
    """JSON of rows; intervals are seconds, times are ISO 8601."""
    return json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return str(value)


class Stream:
    """One open page: what it has yet to be told. A slow reader misses steps, never the state."""

    def __init__(self) -> None:
        self._parts: dict[str, Any] = {}
        self._has_answers = False
        self._news = asyncio.Event()
        self._is_over = False

    def tell(self, parts: Mapping[str, Any]) -> None:
        self._parts.update(parts)
        self._news.set()

    def answered(self) -> None:
        """Some search was answered; which one is not told, because it may be another reader's."""
        self._has_answers = True
        self._news.set()

    def end(self) -> None:
        self._is_over = True
        self._news.set()

    async def messages(self) -> AsyncIterator[str]:
        """Server-sent events until the stream ends: `state`, `search`, and heartbeats."""
        while not self._is_over:
            try:
                await asyncio.wait_for(self._news.wait(), HEARTBEAT)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            self._news.clear()
            parts, self._parts = self._parts, {}
            has_answers, self._has_answers = self._has_answers, False
            if parts:
                yield f"event: state\ndata: {encode(parts)}\n\n"
            if has_answers:
                yield "event: search\ndata: null\n\n"


class Feed:
    """Looks at the database while a page is open, and tells all pages what changed."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._session = Session(dsn)
        self._streams: set[Stream] = set()
        self._state: dict[str, Any] = {}
        self._said: dict[str, str] = {}
        self._wake = asyncio.Event()
        self._trend_at = 0.0

    def open(self) -> Stream:
        """A stream that starts with the whole state."""
        stream = Stream()
        stream.tell(self._state)
        self._streams.add(stream)
        self._wake.set()
        return stream

    def close(self, stream: Stream) -> None:
        """Forget a stream."""
        self._streams.discard(stream)

    def end(self) -> None:
        """End every stream."""
        for stream in self._streams:
            stream.end()

    def nudge(self) -> None:
        """Look again soon: something was done."""
        self._wake.set()

    async def run(self) -> None:
        """Look and listen until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._look())
                tasks.create_task(self._listen())
        finally:
            await self._session.close()

    async def _look(self) -> None:
        while True:
            if not self._streams:
                await self._wake.wait()
            self._wake.clear()
            began = time.monotonic()
            try:
                self._publish(await self._read(questions.PULSE))
                if time.monotonic() - self._trend_at >= TREND_PERIOD:
                    self._publish(await self._read(questions.TREND))
                    self._trend_at = time.monotonic()
                self._publish({"fault": None})
            except psycopg.Error as error:
                self._publish({"fault": " ".join(str(error).split())})
            await asyncio.sleep(max(GAP, REST * (time.monotonic() - began)))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), PERIOD - GAP)

    async def _read(self, asked: Mapping[str, LiteralString]) -> dict[str, Any]:
        return {part: await self._session.rows(question) for part, question in asked.items()}

    def _publish(self, parts: Mapping[str, Any]) -> None:
        said = {part: encode(value) for part, value in parts.items()}
        changed = {part: parts[part] for part in parts if self._said.get(part) != said[part]}
        if not changed:
            return
        self._said.update(said)
        self._state.update(changed)
        for stream in self._streams:
            stream.tell(changed)

    async def _listen(self) -> None:
        while True:
            try:
                async with await connect(self._dsn) as connection:
                    await connection.execute("LISTEN anime_search")
                    await connection.execute("LISTEN jikan_sync")
                    self._wake.set()  # what was notified meanwhile was not heard
                    async for notification in connection.notifies():
                        if notification.channel == "anime_search":
                            for stream in self._streams:
                                stream.answered()
                        self._wake.set()
            except psycopg.OperationalError as error:
                log.warning("dashboard_listener_lost", error=" ".join(str(error).split()))
            await asyncio.sleep(RETRY)
