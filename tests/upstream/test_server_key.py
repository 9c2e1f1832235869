"""Server keys belong to whoever claims: each way has its own limit, and no key is anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import pytest
from pydantic import SecretStr

from pgjikan import sidecar
from pgjikan.jikan_lane import JikanLane
from pgjikan.probe import probe
from pgjikan.settings import Settings
from pgjikan.simulator import Simulator
from tests.conftest import Simulate

from .conftest import Database

KEY = "k3y-that-nobody-sees"
KEYED = {"tenrai": SecretStr(KEY)}
PLAIN, WITH_KEY = "provider:tenrai", "provider:tenrai:key"


def taken(db: Database, subject: str) -> float:
    """Seconds for which the minute of a limiter is taken already."""
    return float(
        db.value(
            "SELECT greatest(extract(EPOCH FROM max(r.tat) - jikan_sync.clock_now()), 0)::float8"
            " FROM jikan_sync.rate_limit AS r WHERE r.subject = %s AND r.period = '1 minute'",
            subject,
        )
    )


def waits(db: Database) -> tuple[float, float]:
    """How long a request waits without a key, and with one."""
    wait, keyed_wait = db.row(
        "SELECT s.wait, s.keyed_wait FROM jikan_sync.provider_status AS s WHERE s.name = 'tenrai'"
    )
    return wait.total_seconds(), keyed_wait.total_seconds()


def available(db: Database, keys: list[str] | None = None) -> bool:
    return bool(db.value("SELECT jikan_sync.upstream_available(keys => %s::text[])", keys))


def test_each_way_has_its_own_limit_and_the_key_shows_nowhere(
    db: Database,
    simulator: Simulator,
    open_lane: Callable[..., JikanLane],
    capsys: pytest.CaptureFixture[str],
) -> None:
    db.run("SELECT jikan_sync.enqueue_many('anime', '{1, 5, 6}')")
    keyed, plain = open_lane(simulator.url, server_keys=KEYED), open_lane(simulator.url)
    keyed.step()
    assert (taken(db, PLAIN), taken(db, WITH_KEY)) == (0, pytest.approx(60 / 300, rel=0.05))
    plain.step()
    assert taken(db, PLAIN) == pytest.approx(60 / 60, rel=0.05)
    assert taken(db, WITH_KEY) == pytest.approx(60 / 300, rel=0.05), "whoever comes later"
    dump = db.rows("SELECT to_jsonb(t)::text FROM jikan_sync.provider AS t")
    dump += db.rows("SELECT to_jsonb(t)::text FROM jikan_sync.queue_history AS t")
    assert KEY not in str(dump) + capsys.readouterr().out


@pytest.mark.parametrize(("is_keyed", "slowed"), [(True, WITH_KEY), (False, PLAIN)])
def test_a_429_slows_only_the_way_it_came(
    db: Database,
    simulator: Simulator,
    open_lane: Callable[..., JikanLane],
    is_keyed: bool,
    slowed: str,
) -> None:
    db.unlimited()
    simulator.fault("429", retry_after="90", next=1)
    db.run("SELECT jikan_sync.enqueue_many('anime', '{1, 5}')")
    lanes = {True: open_lane(simulator.url, server_keys=KEYED), False: open_lane(simulator.url)}
    lanes[is_keyed].step()
    assert db.rows(
        "SELECT DISTINCT r.subject FROM jikan_sync.rate_limit AS r"
        " WHERE r.subject LIKE 'provider:%' AND r.pace < 1"
    ) == [(slowed,)]
    assert waits(db)[is_keyed] == pytest.approx(90)
    assert waits(db)[not is_keyed] == 0
    assert not lanes[is_keyed].step(), "this one waits"
    assert lanes[not is_keyed].step(), "the other goes on"
    assert available(db, []) is is_keyed
    assert available(db, ["tenrai"]) is not is_keyed


def test_who_only_reads_is_told_of_the_ways_in_use(
    db: Database, simulator: Simulator, open_lane: Callable[..., JikanLane]
) -> None:
    assert available(db)
    simulator.fault("429", retry_after="90", next=1)
    db.run("SELECT jikan_sync.enqueue_many('anime', '{1, 5}')")
    open_lane(simulator.url, server_keys=KEYED).step()
    assert not available(db), "all sidecars have a key, and it is refused"
    open_lane(simulator.url).step()
    assert available(db), "one has none, and is answered"


def test_a_claim_that_may_not_ask_leases_nothing(db: Database) -> None:
    db.run("SELECT jikan_sync.enqueue_many('anime', '{1}')")
    db.report("rate_limited", retry_after="90 seconds")
    for _ in range(3):
        assert db.rows("SELECT FROM jikan_sync.claim_request('w')") == []
    assert db.value("SELECT count(lease_token) FROM jikan_sync.queue") == 0
    claim = "SELECT c.is_keyed FROM jikan_sync.claim_request('w', '{tenrai}') AS c"
    assert db.rows(claim) == [(True,)]


def test_a_key_for_a_provider_that_takes_none_is_not_sent(db: Database) -> None:
    db.run("UPDATE jikan_sync.provider SET key_header = NULL")
    reserve = "SELECT r.is_keyed FROM jikan_sync.reserve_request(keys => '{tenrai}') AS r"
    assert db.rows(reserve) == [(False,)]


def test_a_probe_goes_its_own_way(db: Database, simulator: Simulator) -> None:
    settings: dict[str, Any] = {"jikan_url": simulator.url}
    response = probe(db.connection, Settings(**settings, server_keys=KEYED), "tenrai")
    assert response is not None and response.outcome == "ok"
    assert taken(db, PLAIN) == 0 < taken(db, WITH_KEY)


def test_two_sidecars_with_and_without_a_key_each_keep_their_limit(
    live: Database, database: str, simulate: Simulate
) -> None:
    """In real time: the simulator sees them apart by their User-Agent."""
    live.run(
        "UPDATE jikan_sync.provider SET per_second = 2, per_minute = NULL, per_day = NULL,"
        " keyed_per_second = 8, keyed_per_minute = NULL WHERE name = 'tenrai'"
    )
    live.run("UPDATE jikan_sync.setting SET value = '0.4' WHERE name = 'rate_headroom'")
    live.run("SELECT jikan_sync.enqueue_many('anime', ARRAY(SELECT generate_series(1, 60)))")
    stop = Event()
    with simulate() as jikan:
        threads = [
            Thread(
                target=sidecar.run,
                args=[["jikan"], database, Settings(**given, jikan_url=jikan.url), stop],  # type: ignore[arg-type]
            )
            for given in (
                {"contact": "plain", "poll_seconds": 0.05},
                {"contact": "keyed", "poll_seconds": 0.05, "server_keys": KEYED},
            )
        ]
        for thread in threads:
            thread.start()
        try:
            while live.value("SELECT count(*) FROM jikan_sync.queue WHERE task = 'anime'") > 20:
                time.sleep(0.05)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        requests = jikan.stats()["requests"]
    for contact, allowed in {"plain": 2, "keyed": 8}.items():
        times = sorted(r["at"] for r in requests if contact in r["user_agent"])
        assert times
        for start in times:
            assert sum(start <= at < start + 1 for at in times) <= allowed, contact
    counts = {c: sum(c in r["user_agent"] for r in requests) for c in ("plain", "keyed")}
    assert counts["keyed"] > counts["plain"], counts
