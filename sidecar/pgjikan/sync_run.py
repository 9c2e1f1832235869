"""Walks through lists, and titles by name: what `pgjikan sync` asks, and the draining."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event

import psycopg
from psycopg.rows import class_row

from pgjikan.db import Connection, connector
from pgjikan.jikan_lane import JikanLane
from pgjikan.settings import Settings
from pgjikan.sidecar import stop_on_signals, worker_name

#: Seconds between two looks when nothing is due.
IDLE = 0.25


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is, as ``jikan_sync.sync_run_progress`` tells."""

    state: str
    page_count: int
    last_page: int | None
    item_count: int
    total_count: int | None
    elapsed: timedelta
    next_try_at: datetime | None
    trouble: str | None


@dataclass(frozen=True, slots=True)
class TitlesProgress:
    """How far a list of titles is, as ``jikan_sync.sync_titles_progress`` tells."""

    pending_count: int
    stored_count: int
    missing_count: int
    dead_count: int
    next_try_at: datetime | None
    trouble: str | None


@dataclass(frozen=True, slots=True)
class RequestsEstimate:
    """What so many requests would cost, as ``jikan_sync.estimate_requests`` tells."""

    provider: str | None
    duration: timedelta


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the catalogue would cost, as ``jikan_sync.estimate_catalogue`` tells."""

    title_count: int
    page_count: int
    request_count: int
    duration: timedelta
    provider: str | None


def start(
    connection: Connection,
    *,
    kind: str,
    year: int | None = None,
    season: str | None = None,
    priority: str = "low",
    unless_finished_within: timedelta | None = None,
) -> int:
    """Start a run, or go on with the one that is under way; its id."""
    row = connection.execute(
        "SELECT jikan_sync.start_sync_run(kind => %(kind)s, year => %(year)s, "
        "season => %(season)s, priority => %(priority)s, unless_finished_within => %(unless)s)",
        {
            "kind": kind,
            "year": year,
            "season": season,
            "priority": priority,
            "unless": unless_finished_within,
        },
    ).fetchone()
    assert row is not None
    return int(row[0])


def progress(connection: Connection, run_id: int) -> RunProgress:
    """How far the run is."""
    with connection.cursor(row_factory=class_row(RunProgress)) as cursor:
        row = cursor.execute(
            "SELECT p.* FROM jikan_sync.sync_run_progress(run_id => %(run_id)s) AS p",
            {"run_id": run_id},
        ).fetchone()
    assert row is not None  # the run was just started
    return row


def queue_titles(connection: Connection, mal_ids: Sequence[int], facet: str = "core") -> None:
    """Ask for a facet of these titles; the core: for their full documents."""
    connection.execute(
        "SELECT jikan_sync.sync_titles(mal_ids => %(mal_ids)s::integer[], facet => %(facet)s)",
        {"mal_ids": list(mal_ids), "facet": facet},
    )


def titles_progress(
    connection: Connection, mal_ids: Sequence[int], facet: str = "core"
) -> TitlesProgress:
    """How far a facet of these titles is."""
    with connection.cursor(row_factory=class_row(TitlesProgress)) as cursor:
        row = cursor.execute(
            "SELECT p.* FROM jikan_sync.sync_titles_progress("
            "mal_ids => %(mal_ids)s::integer[], facet => %(facet)s) AS p",
            {"mal_ids": list(mal_ids), "facet": facet},
        ).fetchone()
    assert row is not None  # an aggregate
    return row


def wanted_details(connection: Connection, max_titles: int) -> list[int]:
    """The most popular titles that lack details."""
    row = connection.execute(
        "SELECT jikan_sync.wanted_details(max_titles => %(max_titles)s)",
        {"max_titles": max_titles},
    ).fetchone()
    assert row is not None
    return list(row[0])


def wanted_facet(connection: Connection, facet: str, max_titles: int) -> list[int]:
    """Those of the most popular titles whose facet is to be asked for."""
    row = connection.execute(
        "SELECT jikan_sync.wanted_facet(facet => %(facet)s, max_titles => %(max_titles)s)",
        {"facet": facet, "max_titles": max_titles},
    ).fetchone()
    assert row is not None
    return list(row[0])


def estimate_requests(
    connection: Connection, request_count: int, keys: Sequence[str] = ()
) -> RequestsEstimate:
    """How long so many requests would take."""
    with connection.cursor(row_factory=class_row(RequestsEstimate)) as cursor:
        row = cursor.execute(
            "SELECT e.* FROM jikan_sync.estimate_requests("
            "request_count => %(count)s, keys => %(keys)s::text[]) AS e",
            {"count": request_count, "keys": list(keys)},
        ).fetchone()
    assert row is not None
    return row


def estimate(connection: Connection, detail_count: int, keys: Sequence[str] = ()) -> Estimate:
    """What the catalogue would cost in requests and time."""
    with connection.cursor(row_factory=class_row(Estimate)) as cursor:
        row = cursor.execute(
            "SELECT e.* FROM jikan_sync.estimate_catalogue("
            "detail_count => %(count)s, keys => %(keys)s::text[]) AS e",
            {"count": detail_count, "keys": list(keys)},
        ).fetchone()
    assert row is not None
    return row


class Foreground:
    """Does tasks of lane jikan here, whether or not a sidecar does too."""

    def __init__(self, dsn: str, settings: Settings, stop: Event) -> None:
        connect = connector(dsn, "pgjikan sync")
        self.connection = connect()
        self._stop = stop
        self._lane = JikanLane(connect, settings, stop, worker_name("sync"))

    def drain(self, is_done: Callable[[], bool]) -> bool:
        """Work until ``is_done``; False when the process was told to stop before that."""
        while not is_done():
            if self._stop.is_set():
                return False
            if not self._lane.step():
                self._stop.wait(IDLE)
        return True

    def close(self) -> None:
        with suppress(psycopg.OperationalError):  # the server is gone; leases run out
            self._lane.close()
        self.connection.close()


@contextmanager
def foreground(dsn: str, settings: Settings) -> Iterator[Foreground]:
    """A `Foreground` that the first SIGINT or SIGTERM stops, with everything handed back."""
    stop = Event()
    with stop_on_signals(stop):
        work = Foreground(dsn, settings, stop)
        try:
            yield work
        finally:
            work.close()
