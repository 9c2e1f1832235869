"""A frozen clock, a simulator, and a real lane against both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from threading import Event, Lock
from typing import Any

import psycopg
import pytest
from pydantic import HttpUrl

from pgjikan.db import connector
from pgjikan.jikan_lane import JikanLane
from pgjikan.settings import Settings
from pgjikan.simulator import Simulator
from tests.conftest import Simulate

START = "2026-11-23T12:00:00+00:00"


class Database:
    """A test's database: SQL in, values out."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def run(self, query: str, *values: Any) -> None:
        self.connection.execute(query, values or None)  # type: ignore[arg-type]

    def rows(self, query: str, *values: Any) -> list[Any]:
        return self.connection.execute(query, values or None).fetchall()  # type: ignore[arg-type]

    def row(self, query: str, *values: Any) -> Any:
        return self.connection.execute(query, values or None).fetchone()  # type: ignore[arg-type]

    def value(self, query: str, *values: Any) -> Any:
        row = self.row(query, *values)
        return None if row is None else row[0]

    def advance(self, step: str) -> None:
        self.run("SELECT jikan_sync.clock_advance(%s)", step)

    def set(self, **settings: str) -> None:
        for name, value in settings.items():
            self.run("UPDATE jikan_sync.setting SET value = %s WHERE name = %s", value, name)

    def wait_until_blocked(self, backend_pid: int) -> None:
        """Wait until a backend waits for another's lock."""
        while not self.value("SELECT pg_catalog.pg_blocking_pids(%s)", backend_pid):
            time.sleep(0.01)

    def unlimited(self) -> None:
        """Take the limits away, where a test is about something else."""
        self.run(
            "UPDATE jikan_sync.provider SET per_second = NULL, per_minute = NULL, per_day = NULL"
        )

    def reserve(self, **arguments: Any) -> Any:
        """The provider that would be asked, and whether as a canary; None for none."""
        return self.row(
            "SELECT r.provider, r.is_canary FROM jikan_sync.reserve_request("
            "only_provider => %s, subject => %s) AS r",
            arguments.get("only_provider"),
            arguments.get("subject"),
        )

    def report(
        self,
        outcome: str,
        subject: str = "anime:1",
        provider: str = "tenrai",
        *,
        task: str = "anime",
        retry_after: str | None = None,
    ) -> Any:
        """Report an outcome; answers seconds to the next try, or None."""
        return self.value(
            "SELECT extract(EPOCH FROM r)::float8"
            " FROM jikan_sync.report_request(%s, %s, %s, %s, NULL, %s) AS r",
            provider,
            outcome,
            task,
            subject,
            retry_after,
        )

    def breaker(self, provider: str = "tenrai") -> str | None:
        return self.value(
            "SELECT s.breaker FROM jikan_sync.provider_status AS s WHERE s.name = %s", provider
        )

    @property
    def available(self) -> bool:
        return bool(self.value("SELECT jikan_sync.upstream_available(keys => '{}')"))


@pytest.fixture
def live(connection: psycopg.Connection[Any]) -> Database:
    """The database, with the clock running."""
    return Database(connection)


@pytest.fixture
def db(live: Database) -> Database:
    """The database, with the clock frozen at START."""
    live.run("SELECT jikan_sync.clock_set(%s)", START)
    return live


@pytest.fixture
def simulator(simulate: Simulate) -> Iterator[Simulator]:
    with simulate() as jikan:
        yield jikan


@pytest.fixture
def open_lane(database: str) -> Iterator[Callable[..., JikanLane]]:
    """A real lane on the test's database: `open_lane(url=None, stop=, turn=, **settings)`."""
    lanes: list[JikanLane] = []

    def open_it(
        url: str | None = None,
        stop: Event | None = None,
        turn: Lock | None = None,
        **settings: Any,
    ) -> JikanLane:
        given = {"jikan_url": HttpUrl(url) if url else None, "contact": "", **settings}
        lane = JikanLane(
            connector(database, "test lane"),
            Settings(**given),
            stop or Event(),
            f"lane-{len(lanes)}",
            turn,
        )
        lanes.append(lane)
        return lane

    yield open_it
    for lane in lanes:
        lane.close()
