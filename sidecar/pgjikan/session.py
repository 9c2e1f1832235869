"""The one connection of a thread: opened when it is needed, and again when it was lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Concatenate, ParamSpec, TypeVar

import psycopg
import structlog

from pgjikan.db import Connect, Connection, is_away, only_reads
from pgjikan.errors import in_short

log = structlog.get_logger()

P = ParamSpec("P")
T = TypeVar("T")


class Session:
    """Calls of one thread; not for two."""

    def __init__(self, connect: Connect) -> None:
        self.was_used = False
        self._is_over = False
        self._connect = connect
        self._connection: Connection | None = None

    def open(self) -> Connection:
        """The connection. Raises psycopg.OperationalError while there is no server."""
        if self._is_over:
            raise psycopg.OperationalError("the process stops")
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
            self.was_used = True
        return self._connection

    def call(
        self,
        function: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Call a function of ``db``; once more, on a new connection, where the statement failed.

        What an old connection has prepared a migration may have put out of date, and a deadlock
        seldom comes twice. Raises what ailed the second try, and at once if the server is away.
        """
        try:
            return function(self.open(), *args, **kwargs)
        except psycopg.Error as error:
            if self._is_over:
                raise psycopg.OperationalError("the process stops") from error
            if only_reads(error):
                self.close()  # and look for the primary anew
            if is_away(error):
                raise
            log.warning("statement_failed", function=function.__name__, error=in_short(error))
        self.close()
        return function(self.open(), *args, **kwargs)

    def cancel(self, seconds: float) -> None:
        """From another thread: end what is under way, and let nothing begin any more."""
        self._is_over = True
        if (connection := self._connection) is not None:
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=seconds)

    def close(self) -> None:
        """Hang up; harmless when there is nothing to hang up."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None
