"""Jikan documents in bulk: a file, in batches, over two connections at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import astuple, dataclass
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from typing import IO

import psycopg
from psycopg.rows import class_row

from pgjikan.connection import Connection, connect
from pgjikan.document_file import UNREADABLE, Batch, batches, open_documents
from pgjikan.errors import PgjikanError

#: Connections at once; while one parses, the other writes.
CONNECTIONS = 2
#: How often a batch is tried when it deadlocks with another writer.
TRIES = 5
#: Classes of what the server says of a document that it cannot take: data, constraint, too complex.
_OF_A_DOCUMENT = ("22", "23", "54")
HINT = "Give one object a line, an array of objects, or a response of Jikan."


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of the documents, as ``jikan_sync.store_anime`` counts."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0

    def __str__(self) -> str:
        return (
            f"{self.inserted} new, {self.updated} updated, "
            f"{self.unchanged} unchanged, {self.rejected} rejected"
        )

    def __add__(self, other: Loaded) -> Loaded:
        return Loaded(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def load(
    dsn: str,
    source: Path,
    *,
    fetched_at: datetime | None = None,
    progress: Callable[[int], None] = lambda _bytes: None,
    rejected: Callable[[int, str], None] = lambda _line, _reason: None,
) -> Loaded:
    """Store every document of ``source`` and count what became of them.

    It may have one object a line, or be an array of objects or a response of Jikan, zipped or not.

    ``fetched_at`` is how old the documents are; default: the file's modification time.
    ``progress`` is told the bytes of JSON of each batch once it is stored, ``rejected`` the line
    and the reason of each document that was not.
    Raises PgjikanError when the file cannot be read or has no document, psycopg.Error when the
    database cannot.
    """
    try:
        age = fetched_at or datetime.fromtimestamp(source.stat().st_mtime).astimezone()
        file: IO[bytes] = open_documents(source)
    except OSError as error:
        raise PgjikanError(
            f"cannot read {source}: {error.strerror}", hint="Give a file of Jikan documents."
        ) from None
    idle: SimpleQueue[Connection] = SimpleQueue()
    connections = [connect(dsn, "pgjikan load") for _ in range(CONNECTIONS)]
    for connection in connections:
        idle.put(connection)

    def store(batch: Batch) -> tuple[int, Loaded]:
        connection = idle.get()
        try:
            return len(batch.text), _store_or_halve(connection, batch, age, rejected)
        finally:
            idle.put(connection)

    total = Loaded()
    running: set[Future[tuple[int, Loaded]]] = set()
    try:
        with file, ThreadPoolExecutor(CONNECTIONS) as pool:
            try:
                for batch in batches(file):
                    if len(running) > CONNECTIONS:
                        done, running = wait(running, return_when=FIRST_COMPLETED)
                        total = _collect(done, total, progress)
                    running.add(pool.submit(store, batch))
            except PgjikanError as error:
                total = _collect(running, total, progress)
                raise PgjikanError(
                    f"{source}: {error}; what came before that is loaded: {total}", hint=error.hint
                ) from None
            total = _collect(running, total, progress)
        if total == Loaded():
            raise PgjikanError(f"there is no document in {source}", hint=HINT)
        # No batch waited for the disk; this does, and with it everything before.
        connections[0].execute("SELECT jikan_sync.analyze_mirror()")
    except UNREADABLE as error:
        raise PgjikanError(f"cannot read {source}: {error}", hint="Is it a whole file?") from None
    finally:
        for connection in connections:
            connection.close()
    return total


def _collect(
    done: set[Future[tuple[int, Loaded]]], total: Loaded, progress: Callable[[int], None]
) -> Loaded:
    for future in done:
        size, loaded = future.result()
        progress(size)
        total += loaded
    return total


def _store_or_halve(
    connection: Connection,
    batch: Batch,
    fetched_at: datetime,
    rejected: Callable[[int, str], None],
) -> Loaded:
    """Store a batch; what the server refuses costs no neighbour, and is told by its line."""
    try:
        loaded = _store(connection, batch.text, fetched_at)
    except psycopg.Error as error:
        if (error.sqlstate or "")[:2] not in _OF_A_DOCUMENT:
            raise
        lines = batch.text.split("\n")
        if len(batch.numbers) < 2:
            rejected(batch.numbers[0], error.diag.message_primary or str(error))
            return Loaded(rejected=1)
        middle = len(batch.numbers) // 2
        halves = [
            Batch("\n".join(lines[:middle]), batch.numbers[:middle]),
            Batch("\n".join(lines[middle:]), batch.numbers[middle:]),
        ]
        first, second = (_store_or_halve(connection, h, fetched_at, rejected) for h in halves)
        return first + second
    if loaded.rejected:
        for place, reason in connection.execute(
            "SELECT f.place, f.reason FROM jikan_sync.line_faults(lines => %s) AS f", [batch.text]
        ):
            rejected(batch.numbers[place - 1], reason)
    return loaded


def _store(connection: Connection, batch: str, fetched_at: datetime) -> Loaded:
    for attempt in range(TRIES):
        try:
            with connection.cursor(row_factory=class_row(Loaded)) as cursor:
                row = cursor.execute(
                    "WITH c AS MATERIALIZED ("
                    "SELECT set_config('synchronous_commit', 'off', true)) "  # of this commit only
                    "SELECT r.* FROM c CROSS JOIN jikan_sync.load_documents("
                    "lines => %(lines)s, fetched_at => %(fetched_at)s) AS r",
                    {"lines": batch, "fetched_at": fetched_at},
                ).fetchone()
                assert row is not None  # a function call answers one row
                return row
        except psycopg.errors.DeadlockDetected:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable")
