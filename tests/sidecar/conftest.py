"""A sidecar as a process, and the simulator as its upstream."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from pgjikan.simulator import Simulator
from tests.conftest import Simulate
from tests.store.documents import full
from tests.store.test_store_anime import value

Connection = psycopg.Connection[Any]

#: What `pgjikan sidecar` is started with.
MAIN = "from pgjikan.cli import main; main()"


@pytest.fixture
def upstream(connection: Connection, simulate: Simulate) -> Iterator[Simulator]:
    """The simulator as the only provider, without a limit on pace."""
    with simulate([full(mal_id, title=f"Title number {mal_id}") for mal_id in range(1, 8)]) as s:
        use(connection, s)
        yield s


def use(connection: Connection, simulator: Simulator) -> None:
    connection.execute(
        "UPDATE jikan_sync.provider SET base_url = %s WHERE enabled", (simulator.url,)
    )
    connection.execute(
        "UPDATE jikan_sync.rate_limit SET allowed = 1000000 WHERE subject LIKE 'provider:%'"
    )


@contextmanager
def process(
    database: str, *arguments: str, before: str = "", stdout: Any = subprocess.PIPE, **env: str
) -> Iterator[subprocess.Popen[str]]:
    """`pgjikan sidecar` as a process; killed at the end if it still runs.

    ``before`` is what its interpreter does first: to put a bug where there is none.
    """
    started = subprocess.Popen(
        [sys.executable, "-c", f"{before}\n{MAIN}", "sidecar", *arguments],
        env={**os.environ, "DATABASE_URL": database, "PGJIKAN_POLL_SECONDS": "60", **env},
        stdout=stdout,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield started
    finally:
        if started.poll() is None:
            started.kill()
        if started.stdout is None or started.stdout.closed:
            started.wait()
        else:
            started.communicate()


def wait_until(condition: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def listening(connection: Connection) -> bool:
    return bool(
        value(
            connection,
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgjikan listener' "
            "AND datname = current_database() AND query LIKE 'LISTEN%%'",
        )
    )


def dead(connection: Connection) -> Sequence[tuple[Any, ...]]:
    return connection.execute("SELECT task, mal_id, reason FROM jikan_sync.dead_letter").fetchall()
