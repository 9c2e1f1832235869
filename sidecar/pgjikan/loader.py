"""Jikan documents in bulk: a file of JSON lines, in batches, over two connections at once."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import astuple, dataclass
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from typing import IO, cast

import psycopg
from psycopg.rows import class_row

from pgjikan.db import Connection
from pgjikan.errors import PgjikanError
from pgjikan.settings import with_application_name

#: Bytes of JSON in one statement: large enough to be set-based, small enough to show progress.
BATCH_BYTES = 1_500_000
#: Connections at once; while one parses, the other writes.
CONNECTIONS = 2
#: How often a batch is tried when it deadlocks with another writer.
TRIES = 5


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of the documents, as ``jikan_sync.store_anime`` counts."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0

    def __add__(self, other: Loaded) -> Loaded:
        return Loaded(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def load(
    dsn: str,
    source: Path,
    *,
    fetched_at: datetime | None = None,
    progress: Callable[[int], None] = lambda _bytes: None,
) -> Loaded:
    """Store every document of ``source`` (JSON lines, .gz too) and count what became of them.

    ``fetched_at`` is how old the documents are; default: the file's modification time.
    ``progress`` is told the bytes of JSON of each batch once it is stored.
    Raises PgjikanError when the file cannot be read, psycopg.Error when the database cannot.
    """
    try:
        age = fetched_at or datetime.fromtimestamp(source.stat().st_mtime).astimezone()
        lines: IO[bytes] = _open(source)
    except OSError as error:
        raise PgjikanError(
            f"cannot read {source}: {error.strerror}", hint="Give a file of Jikan documents."
        ) from None
    # No batch waits for the disk; the last statement does, and with it everything before.
    conninfo = with_application_name(dsn, "pgjikan load", options="-c synchronous_commit=off")
    idle: SimpleQueue[Connection] = SimpleQueue()
    connections = [psycopg.connect(conninfo, autocommit=True) for _ in range(CONNECTIONS)]
    for connection in connections:
        idle.put(connection)

    def store(batch: str) -> tuple[int, Loaded]:
        connection = idle.get()
        try:
            return len(batch), _store(connection, batch, age)
        finally:
            idle.put(connection)

    total = Loaded()
    running: set[Future[tuple[int, Loaded]]] = set()
    try:
        with lines, ThreadPoolExecutor(CONNECTIONS) as pool:
            for batch in _batches(lines):
                if len(running) > CONNECTIONS:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    total = _collect(done, total, progress)
                running.add(pool.submit(store, batch))
            total = _collect(running, total, progress)
        connections[0].execute("SET synchronous_commit = on")
        connections[0].execute("SELECT jikan_sync.analyze_mirror()")
    except (OSError, EOFError) as error:
        raise PgjikanError(f"cannot read {source}: {error}", hint="Is it a whole file?") from None
    finally:
        for connection in connections:
            connection.close()
    return total


def _open(source: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(source)) if source.suffix == ".gz" else source.open("rb")


def _collect(
    done: set[Future[tuple[int, Loaded]]], total: Loaded, progress: Callable[[int], None]
) -> Loaded:
    for future in done:
        size, loaded = future.result()
        progress(size)
        total += loaded
    return total


def _batches(lines: IO[bytes]) -> Iterator[str]:
    """Whole lines, about ``BATCH_BYTES`` at a time, without a byte that text cannot hold."""
    while batch := lines.readlines(BATCH_BYTES):
        yield b"".join(batch).decode("utf-8", errors="replace").replace("\0", "\ufffd")


def _store(connection: Connection, batch: str, fetched_at: datetime) -> Loaded:
    for attempt in range(TRIES):
        try:
            with connection.cursor(row_factory=class_row(Loaded)) as cursor:
                row = cursor.execute(
                    "SELECT r.* FROM jikan_sync.load_documents("
                    "lines => %(lines)s, fetched_at => %(fetched_at)s) AS r",
                    {"lines": batch, "fetched_at": fetched_at},
                ).fetchone()
                assert row is not None  # a function call answers one row
                return row
        except psycopg.errors.DeadlockDetected:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable")
