"""The limiter: never more than allowed in any sliding window, and nearly all of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from .conftest import Database

Connect = Callable[..., psycopg.Connection[Any]]

MINUTE, SECOND, DAY = "1 minute", "1 second", "24 hours"


def limit(
    db: Database, *windows: tuple[str, float], burst: float = 1, unit: str = "request"
) -> None:
    for period, allowed in windows:
        db.run(
            "INSERT INTO jikan_sync.rate_limit (subject, unit, period, allowed, burst)"
            " VALUES ('test', %s, %s, %s, %s)",
            unit,
            period,
            allowed,
            burst,
        )


def reserve(
    db: Database, max_wait: str = "1 hour", costs: str = '{"request": 1}', subject: str = "test"
) -> float:
    """Reserve; the wait in seconds."""
    value = db.value(
        "SELECT extract(EPOCH FROM jikan_sync.reserve_rate(%s, %s, %s))::float8",
        subject,
        costs,
        max_wait,
    )
    return float(value)


def slow(db: Database, retry_after: str | None = None) -> None:
    db.run("SELECT jikan_sync.slow_rate('test', %s)", retry_after)


def most(moments: Sequence[float], seconds: float) -> int:
    """The most moments in any sliding window."""
    times = sorted(moments)
    return max(sum(start <= at < start + seconds for at in times) for start in times)


def test_many_sessions_share_one_truth(db: Database, connect: Connect) -> None:
    limit(db, (SECOND, 3), (MINUTE, 60))

    def take(connection: psycopg.Connection[Any]) -> list[float]:
        return [reserve(Database(connection)) for _ in range(30)]

    with ThreadPoolExecutor(8) as pool:
        connections = [connect() for _ in range(8)]
        moments = sorted(moment for taken in pool.map(take, connections) for moment in taken)
    assert len(moments) == 240
    assert most(moments, 60) <= 60
    assert most(moments, 1) <= 3
    assert 240 / (moments[-1] + moments[1]) > 0.97  # of 60 a minute
    gaps = [b - a for a, b in pairwise(moments)]
    assert max(gaps) - min(gaps) < 1e-5, "spaced, not bursty"


def test_late_and_early_arrivals_still_fit(db: Database) -> None:
    limit(db, (SECOND, 3), (MINUTE, 60))
    dice = random.Random(7)
    arrivals = [reserve(db) + dice.uniform(0, 0.8) for _ in range(400)]
    assert most(arrivals, 60) <= 60
    assert most(arrivals, 1) <= 3


def test_a_key_for_five_a_second_fits_with_jitter(db: Database) -> None:
    limit(db, (SECOND, 5), (MINUTE, 300))
    dice = random.Random(7)
    arrivals = [reserve(db) + dice.uniform(0, 0.25) for _ in range(400)]
    assert most(arrivals, 1) <= 5
    assert most(arrivals, 60) <= 300


def test_a_day_may_come_at_once_by_half_and_never_holds_more(db: Database) -> None:
    limit(db, (DAY, 40), burst=20)
    moments = [reserve(db, "100 days") for _ in range(120)]
    assert moments[:20] == [0.0] * 20
    assert most(moments, 24 * 3600) <= 40


def test_idle_time_is_not_saved_up(db: Database) -> None:
    limit(db, (MINUTE, 60))
    reserve(db)
    db.advance("1 hour")
    assert reserve(db) == 0
    assert reserve(db) > 1


def test_too_long_a_wait_reserves_nothing(db: Database) -> None:
    limit(db, (MINUTE, 1))
    assert reserve(db, "1 second") == 0
    first = reserve(db, "1 second")
    assert first > 60
    assert reserve(db, "1 second") == first
    db.advance("61 seconds")
    assert reserve(db, "1 second") == 0


def test_units_have_windows_of_their_own(db: Database) -> None:
    limit(db, (MINUTE, 60))
    limit(db, (MINUTE, 600), unit="token")
    assert reserve(db, costs='{"request": 1, "token": 300}') == 0
    assert reserve(db, costs='{"request": 1, "token": 1}') > 30, "waits for tokens"
    assert reserve(db, subject="nobody") == 0, "no window, no limit"
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="negative"):
        reserve(db, costs='{"request": -1}')


def test_a_429_pauses_everyone_and_halves_the_pace(db: Database) -> None:
    limit(db, (MINUTE, 60))
    usual = [reserve(db), reserve(db)][1]
    db.advance("1 minute")
    slow(db)
    assert reserve(db) == 10
    assert reserve(db) - 10 == pytest.approx(2 * usual, rel=0.05)


def test_a_retry_after_is_obeyed_within_reason(db: Database) -> None:
    limit(db, (MINUTE, 60))
    slow(db, "37 seconds")
    assert reserve(db) == 37
    slow(db, "3 days")
    assert reserve(db, "1 day") == 3600
    slow(db, "1 second")
    assert reserve(db, "0") >= 3600, "a shorter pause does not end a longer one"


def test_no_pause_at_all_is_not_believed(db: Database) -> None:
    limit(db, (MINUTE, 60))
    slow(db, "0")
    assert reserve(db) == 1


def test_requests_under_way_make_one_event_of_a_429(db: Database) -> None:
    limit(db, (MINUTE, 60))
    for _ in range(4):
        slow(db)
        db.advance("1 second")
    assert db.value("SELECT r.pace FROM jikan_sync.rate_limit AS r WHERE r.subject = 'test'") == 0.5


def test_the_pace_comes_back_gradually(db: Database) -> None:
    limit(db, (MINUTE, 60))
    slow(db)
    spacings = []
    for _ in range(8):
        db.advance("1 minute")
        reserve(db)
        spacings.append(reserve(db, "0"))
    usual = 60.25 / 60 / 0.99
    assert spacings == sorted(spacings, reverse=True)
    assert spacings[0] > 1.6 * usual
    assert spacings[4] == pytest.approx(usual, rel=0.01), "back after half of rate_recovery"
    assert spacings[7] == pytest.approx(usual, rel=0.001)


def test_an_endless_429_never_stops_us_for_good(db: Database) -> None:
    limit(db, (MINUTE, 60))
    for _ in range(20):
        slow(db)
        db.advance("10 seconds")
    assert (
        db.value("SELECT r.pace FROM jikan_sync.rate_limit AS r WHERE r.subject = 'test'") == 0.125
    )
    db.advance("10 minutes")
    assert reserve(db) == 0
    assert reserve(db, "0") < 1.1


def test_the_windows_follow_the_provider(db: Database) -> None:
    def windows(subject: str) -> list[Any]:
        return db.rows(
            "SELECT extract(EPOCH FROM r.period)::integer, r.allowed::integer, r.burst::integer"
            " FROM jikan_sync.rate_limit AS r WHERE r.subject = %s ORDER BY r.period",
            subject,
        )

    assert windows("provider:tenrai") == [(1, 3, 1), (60, 60, 1), (86400, 40000, 20000)]
    assert windows("provider:tenrai:key") == [(1, 5, 1), (60, 300, 1), (86400, 40000, 20000)]
    assert windows("provider:jikan:key") == []
    db.reserve()
    db.run("SELECT jikan_sync.set_provider('tenrai', per_day => 0, per_second => 1)")
    assert windows("provider:tenrai") == [(1, 1, 1), (60, 60, 1)]
    assert windows("provider:tenrai:key") == [(1, 5, 1), (60, 300, 1)]
    assert db.value("SELECT count(*) FROM jikan_sync.rate_limit WHERE tat > %s", "2026-11-23") == 2
    db.run("UPDATE jikan_sync.provider SET key_header = NULL WHERE name = 'tenrai'")
    assert windows("provider:tenrai:key") == [], "what takes no key has no limit with one"
    db.run("DELETE FROM jikan_sync.provider WHERE name = 'tenrai'")
    assert windows("provider:tenrai") == []
