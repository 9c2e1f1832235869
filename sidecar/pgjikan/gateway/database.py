"""The gateway's sessions with the database: a pool that asks, and a listener that hears."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.adapt import Buffer, Loader
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from pgjikan.connection import set_up
from pgjikan.settings import with_application_name

log = structlog.get_logger()

_ASK = (
    "SELECT r.status, r.headers, r.body, r.is_miss, r.wait, r.has_wish, r.keep_for, "
    "r.was_asked, r.question "
    "FROM anime.v4(%(path)s, %(query)s::jsonb, %(headers)s::jsonb) AS r"
)
_READ = _ASK.replace("anime.v4(", "anime.v4_cached(")

#: Seconds that an answer may take beyond the limit that its server keeps.
SLACK = 1.0

#: What a call raises while the database is away or too busy.
AWAY = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)


@dataclass(frozen=True, slots=True)
class Question:
    """A request as ``anime.v4`` takes it."""

    path: str
    query: Mapping[str, str]
    known: str | None
    #: The mirror for which another pgjikan asks.
    mirror: str | None = None

    def parameters(self) -> dict[str, str]:
        headers = {} if self.known is None else {"if-none-match": self.known}
        if self.mirror is not None:
            headers["pgjikan-mirror"] = self.mirror
        return {
            "path": self.path,
            "query": json.dumps(self.query),
            "headers": json.dumps(headers),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What ``anime.v4`` says."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_miss: bool = False
    wait: float = 0.0
    has_wish: bool = False
    keep_for: float = 0.0
    #: Whether it had something asked for upstream that nobody had asked for.
    was_asked: bool = False
    #: What was asked, alike for all who mean the same; None where nothing lacks.
    question: str | None = None
    #: False: what it lacks was not to be asked for.
    asks: bool = True


class _Bytes(Loader):
    """Text as the bytes that it came as: it is sent on, never looked at."""

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


class Database:
    """A pool of sessions, opened again when they are lost.

    `attributes` are libpq's, for a DSN that names several servers and does not say which it means.
    """

    def __init__(
        self,
        dsn: str,
        connections: int,
        answer_seconds: float,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        # What an answer writes are wishes and hits: no client waits until they are on the disk.
        self._settings = {
            "statement_timeout": str(int(answer_seconds * 1000)),
            "synchronous_commit": "off",
            "jit": "off",
        }
        self.conninfo = with_application_name(dsn, "pgjikan gateway", **(attributes or {}))
        self._patience = answer_seconds
        self._sessions = connections
        self._pool = AsyncConnectionPool(
            self.conninfo,
            min_size=min(1, connections),
            max_size=connections,
            timeout=answer_seconds,
            max_waiting=2_000,
            max_lifetime=600.0,  # so that reads find a standby again that was away
            reconnect_timeout=30.0,
            configure=self._configure,
            open=False,
        )

    async def _configure(self, connection: AsyncConnection[Any]) -> None:
        await connection.set_autocommit(True)
        connection.prepare_threshold = 0
        await set_up(connection, self._settings)
        connection.adapters.register_loader("text", _Bytes)

    async def open(self) -> None:
        """Begin to connect; returns at once, the database may come later."""
        await self._pool.open()

    async def close(self) -> None:
        await self._pool.close(timeout=2.0)

    def sizes(self) -> dict[str, int]:
        """Sessions, idle ones and waiting requests."""
        stats = self._pool.get_stats()
        return {
            name: stats.get(key, 0)
            for name, key in (
                ("open", "pool_size"),
                ("idle", "pool_available"),
                ("queued", "requests_waiting"),
            )
        }

    async def ask(self, question: Question) -> Answer:
        """Answer, and ask upstream for what is missing or stale. Raises one of ``AWAY``."""
        return await self._call(_ASK, question)

    async def read(self, question: Question) -> Answer:
        """Answer from the database alone. Raises one of ``AWAY``."""
        return await self._call(_READ, question)

    async def row(self, query: LiteralString, parameters: Mapping[str, Any]) -> Any:
        """The first row of another question, as a tuple; None where there is none."""
        async with self._pool.connection() as connection:
            # Text is text here.
            cursor = await connection.execute(query, parameters, binary=True)
            return await cursor.fetchone()

    async def is_ready(self) -> bool:
        """Whether it answers at all, and is deployed."""
        try:
            async with asyncio.timeout(2.0), self._pool.connection() as connection:
                cursor = await connection.execute(
                    "SELECT to_regprocedure('anime.v4(text, jsonb, jsonb)') IS NOT NULL"
                )
                row = await cursor.fetchone()
                return row is not None and bool(row[0])
        except (*AWAY, TimeoutError):
            return False

    async def look_anew(self) -> None:
        """Hang up on a server that is not the one meant any more, as soon as nobody asks it."""
        await self._pool.drain()

    async def _call(self, query: Any, question: Question) -> Answer:
        """Ask, and again in another session where one was lost: a question may be put twice.

        A server that stands still holds up one question for as long as an answer may take; that one
        and all others are then asked elsewhere.
        """
        until = time.monotonic() + self._patience
        lost = 0
        while True:
            try:
                async with self._pool.connection(max(until - time.monotonic(), 0.1)) as connection:
                    row = await self._row(connection, query, question)
            except psycopg.OperationalError as error:
                lost += 1
                if not _is_lost(error) or lost > self._sessions or time.monotonic() > until + SLACK:
                    raise
                if time.monotonic() > until:
                    await self.look_anew()
                    until += self._patience
                    lost = self._sessions
                continue
            status, headers, body, is_miss, wait, has_wish, keep_for, was_asked, key = row
            return Answer(
                status,
                headers,
                body or b"",
                bool(is_miss),
                _seconds(wait),
                bool(has_wish),
                _seconds(keep_for),
                bool(was_asked),
                None if key is None else key.decode(),
            )

    async def _row(self, connection: AsyncConnection[Any], query: Any, question: Question) -> Any:
        # The server's own limit is no help where the server stands still.
        loop = asyncio.get_running_loop()
        alarm = loop.call_later(self._patience + SLACK / 2, _hang_up, connection)
        try:
            cursor = await connection.execute(query, question.parameters())
            row = await cursor.fetchone()
        finally:
            alarm.cancel()
        assert row is not None  # a function call answers one row
        return row


def _seconds(span: timedelta | None) -> float:
    return span.total_seconds() if span else 0.0


def _is_lost(error: psycopg.OperationalError) -> bool:
    """Whether a session broke under a question, or a standby had to choose replay before it."""
    if isinstance(error, PoolTimeout):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P0", "40001"))


def _hang_up(connection: AsyncConnection[Any]) -> None:
    """End a question that nobody answers: who waits for it sees the connection end."""
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as end:
        end.shutdown(socket.SHUT_RDWR)
