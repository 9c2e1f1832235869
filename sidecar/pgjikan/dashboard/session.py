"""A database session that outlives the server's restarts."""

from __future__ import annotations

import asyncio
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

from pgjikan.connection import connect_async

Row = dict[str, Any]
Connection = psycopg.AsyncConnection[Row]

#: Short questions, many of them: compiling a plan never pays, and a page must not hang on one.
SETTINGS = {"statement_timeout": "10s", "jit": "off"}


async def connect(dsn: str) -> Connection:
    """Open an autocommit connection of the dashboard."""
    return await connect_async(dsn, "pgjikan dashboard", settings=SETTINGS, row_factory=dict_row)


class Session:
    """One connection, one question at a time, opened again when it was lost."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._lock = asyncio.Lock()
        self._connection: Connection | None = None

    async def rows(
        self, question: LiteralString, parameters: dict[str, Any] | None = None
    ) -> list[Row]:
        """The rows of a question, asked again once where the connection turns out to be lost.

        So it is for questions that may be asked twice, as are all of the page's.
        """
        async with self._lock:
            if self._connection is not None and not self._connection.closed:
                try:
                    return await _ask(self._connection, question, parameters)
                except psycopg.OperationalError:
                    if not self._connection.closed:
                        raise
            self._connection = await connect(self._dsn)
            return await _ask(self._connection, question, parameters)

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            await self._connection.close()


async def _ask(
    connection: Connection, question: LiteralString, parameters: dict[str, Any] | None
) -> list[Row]:
    cursor = await connection.execute(question, parameters)
    return await cursor.fetchall()
