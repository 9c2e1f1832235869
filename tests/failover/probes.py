"""Those who ask without a pause: one writes, some read, one asks for what is missing."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any, Self

import psycopg
import requests

from tests.chaos.stage import AWAY
from tests.chaos.upstreams import Jikan
from tests.failover.cluster import SUPERUSER, WRITE

APP = "user=chaos_app password=chaos"


class Probe(Thread):
    """Does one thing again and again until it is stopped."""

    def __init__(self, name: str, pace: float) -> None:
        super().__init__(name=name, daemon=True)
        self.failure: BaseException | None = None
        self._pace = pace
        self._stop_event = Event()

    def stop(self) -> None:
        self._stop_event.set()
        self.join(120)

    def run(self) -> None:
        try:
            while not self._stop_event.wait(self._pace):
                self.act()
        except BaseException as error:
            self.failure = error

    def act(self) -> None:
        raise NotImplementedError


class Writer(Probe):
    """Writes a number after the other through the write port, and notes what was acknowledged."""

    def __init__(self) -> None:
        super().__init__("writer", 0.05)
        self.acknowledged: set[int] = set()
        self.times: list[float] = []
        self.refused = 0
        self._numbers = itertools.count()
        self._connection: psycopg.Connection[Any] | None = None

    @property
    def count(self) -> int:
        return len(self.times)

    def act(self) -> None:
        number = next(self._numbers)
        try:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(f"{WRITE} {SUPERUSER}", autocommit=True)
            self._connection.execute("INSERT INTO chaos.written VALUES (%s)", [number])
        except AWAY:
            self.refused += 1
            if self._connection is not None:
                self._connection.close()
        else:
            self.acknowledged.add(number)
            self.times.append(time.monotonic())

    def longest_gap(self, since: float, until: float) -> float:
        """The longest time without an acknowledged write."""
        seen = [since, *(at for at in self.times if since <= at <= until), until]
        return max(b - a for a, b in itertools.pairwise(seen))


@dataclass(slots=True)
class Reading:
    """Reads of one kind: how many, how long the slowest took, and what those said that failed."""

    name: str
    done: int = 0
    slowest: float = 0.0
    failed: list[str] = field(default_factory=list)


class Reader(Probe):
    """Reads what has been on every server since the beginning."""

    def __init__(self, read: Callable[[], str | None], seen: Reading) -> None:
        super().__init__(f"reader of {seen.name}", 0.03)
        self._read = read
        self._seen = seen

    def act(self) -> None:
        began = time.monotonic()
        fault = self._read()
        self._seen.slowest = max(self._seen.slowest, time.monotonic() - began)
        if fault is None:
            self._seen.done += 1
        else:
            self._seen.failed.append(fault)

    @classmethod
    def of_gateway(cls, url: str, known: list[int], seen: Reading) -> Self:
        session, dice = requests.Session(), random.Random(url)

        def read() -> str | None:
            try:
                answer = session.get(f"{url}/anime/{dice.choice(known)}", timeout=60)
            except requests.RequestException as error:
                return repr(error)
            return None if answer.status_code == 200 else f"{answer.status_code} {answer.text}"

        return cls(read, seen)

    @classmethod
    def of_port(cls, address: str, seen: Reading) -> Self:
        """A connection for some reads, then another: as apps with and without a pool do."""
        connection: psycopg.Connection[Any] | None = None
        left = 0

        def read() -> str | None:
            nonlocal connection, left
            try:
                if connection is None or connection.closed or left == 0:
                    if connection is not None:
                        connection.close()
                    connection = psycopg.connect(
                        f"{address} {APP}", autocommit=True, prepare_threshold=None
                    )
                    left = 50
                left -= 1
                rows = connection.execute("SELECT 1 FROM anime.search_cached('a')").fetchall()
            except AWAY as error:
                if connection is not None:
                    connection.close()
                return f"{type(error).__name__} {error}"
            return None if rows else "no row"

        return cls(read, seen)


class Asker(Probe):
    """Asks for a title that nobody has yet, until it is there: how long that takes."""

    def __init__(self, gateways: list[str], jikan: Jikan) -> None:
        super().__init__("asker", 1.0)
        self.lags: list[float] = []
        self.told_to_wait = 0
        self._gateways = itertools.cycle(gateways)
        self._jikan = jikan

    def act(self) -> None:
        url = f"{next(self._gateways)}/anime/{self._jikan.publish()}"
        began = time.monotonic()
        while not self._stop_event.is_set():
            with suppress(requests.ConnectionError):
                answer = requests.get(url, timeout=60)
                if answer.status_code == 200:
                    self.lags.append(time.monotonic() - began)
                    return
                assert answer.status_code in (429, 503, 504), answer.text
                assert int(answer.headers["Retry-After"]) > 0
                self.told_to_wait += 1
            self._stop_event.wait(1.0)
