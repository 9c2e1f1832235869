"""How many misses one client may cause, and that who causes none is never held up for long."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import requests

from pgjikan.gateway.limits import MissLimits, counted
from pgjikan.gateway.settings import GatewaySettings
from tests.gateway.test_http import fetching as fetching
from tests.gateway.test_http import get
from tests.store.documents import anime, full

Connection = psycopg.Connection[Any]
Serve = Callable[..., str]
Store = Callable[..., None]


def wish_count(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM jikan_sync.wish").fetchone()
    assert row is not None
    return int(row[0])


def test_misses_that_come_at_once_are_counted_before_they_are_asked_for(
    serve: Serve, connection: Connection, fetching: None
) -> None:
    connection.execute("UPDATE jikan_sync.setting SET value = '4 s' WHERE name = 'v4_wait'")
    root = serve(misses_at_once=4)
    with ThreadPoolExecutor(40) as pool:
        statuses = Counter(
            pool.map(lambda n: get(f"{root}/v4/anime/{n}").status_code, range(100, 140))
        )
    assert statuses == {504: 4, 429: 36}
    assert wish_count(connection) == 4


def test_what_nobody_waits_for_is_counted_as_well(
    serve: Serve, store: Store, connection: Connection
) -> None:
    """Misses while no sidecar runs, and stale parts."""
    store(full(1), source="full")
    root = serve(misses_per_minute=3)
    statuses = [get(f"{root}/v4/anime/{n}").status_code for n in range(100, 110)]
    assert statuses == [504] * 3 + [429] * 7
    assert wish_count(connection) == 3
    root = serve(misses_per_minute=2)
    connection.execute("DELETE FROM jikan_sync.wish")
    connection.execute(
        "UPDATE jikan_sync.ledger SET stored_at = '2020-01-01' WHERE facet <> 'core'"
    )
    for part in ("themes", "relations", "external", "streaming"):
        answer = get(f"{root}/v4/anime/1/{part}")
        assert (answer.status_code, answer.headers["X-Cache-Status"]) == (200, "STALE")
    assert wish_count(connection) == 2


def test_hits_that_come_at_once_are_no_misses(serve: Serve, store: Store) -> None:
    store(*[anime(n) for n in range(1, 30)])
    root = serve(misses_at_once=1, misses_per_minute=1)
    with ThreadPoolExecutor(20) as pool:
        statuses = pool.map(lambda n: get(f"{root}/v4/anime/{n}").status_code, range(1, 31))
        assert list(statuses) == [200] * 29 + [504]


@pytest.mark.parametrize(
    ("workers", "at_once", "per_minute"), [(1, 8, 60), (2, 4, 30), (7, 1, 8), (64, 1, 1)]
)
def test_processes_share_what_a_client_may_cause(
    workers: int, at_once: int, per_minute: int
) -> None:
    shared = GatewaySettings(misses_at_once=8, misses_per_minute=60).shared_by(workers)
    assert (shared.misses_at_once, shared.misses_per_minute) == (at_once, per_minute)
    assert shared.connections == GatewaySettings().connections, "of each process"


def test_a_turn_is_lost_with_nobody() -> None:
    """Who waits for his turn gets it, or a no, whatever those before him turn out to be."""

    async def ask(limits: MissLimits, is_miss: bool) -> bool:
        if not await limits.enter("a"):
            return False
        await asyncio.sleep(0)
        limits.leave("a", is_miss=is_miss)
        return True

    async def all_of_them() -> None:
        limits = MissLimits(at_once=2, per_minute=5)
        kinds = [number % 10 == 0 for number in range(200)]
        tasks = [asyncio.create_task(ask(limits, kind)) for kind in kinds]
        await asyncio.sleep(0)  # all wait now but the first
        tasks[15].cancel()
        async with asyncio.timeout(20):
            said = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(1 for kind, may in zip(kinds, said, strict=True) if kind and may is True) == 5
        assert sum(isinstance(may, bool) for may in said) == 199
        assert len(limits) == 1
        calm = MissLimits(at_once=2, per_minute=5)
        async with asyncio.timeout(20):
            assert all(await asyncio.gather(*[ask(calm, False) for _ in range(200)]))
        assert len(calm) == 0

    asyncio.run(all_of_them())


@pytest.mark.parametrize(
    ("client", "whom"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::1", "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("no address", "no address"),
    ],
)
def test_who_has_a_network_is_one_client(client: str, whom: str) -> None:
    assert counted(client) == whom


def test_who_asks_from_a_network_has_one_share(serve: Serve) -> None:
    root = serve(misses_per_minute=2, trusted_proxy="127.0.0.0/8")
    statuses = [
        requests.get(
            f"{root}/v4/anime/{100 + number}",
            headers={"X-Forwarded-For": f"2001:db8::{number:x}"},
            timeout=30,
        ).status_code
        for number in range(1, 5)
    ]
    assert statuses == [504, 504, 429, 429]
