"""When jobs run, and what one may do to another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from .conftest import Clockwork

Connect = Callable[..., psycopg.Connection[Any]]
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def test_daily_at_its_hour_to_the_second(clockwork: Clockwork) -> None:
    clockwork.add("nightly", "1 day", "2 hours")
    assert clockwork.tick("2030-01-02 01:59:59Z") == []
    assert clockwork.tick("2030-01-02 02:00:00Z") == ["nightly"]
    assert clockwork.tick() == [], "a second tick"
    assert clockwork.tick("2030-01-03 01:59:59Z") == []
    assert clockwork.tick("2030-01-03 02:00:00Z") == ["nightly"]


def test_late_run_does_not_move_the_hour(clockwork: Clockwork) -> None:
    clockwork.add("nightly", "1 day", "2 hours")
    assert clockwork.tick("2030-01-02 23:00:00Z") == ["nightly"]
    assert clockwork.tick("2030-01-03 01:59:59Z") == []
    assert clockwork.tick("2030-01-03 02:00:00Z") == ["nightly"]


#: A run at 2 and the next, between which clocks change: in Europe, in America, and back.
CHANGES = [
    ("2026-10-24", "2026-10-25"),
    ("2026-11-01", "2026-11-02"),
    ("2027-03-14", "2027-03-15"),
    ("2027-03-27", "2027-03-28"),
]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Los_Angeles"])
def test_summer_time_moves_no_hour(clockwork: Clockwork, zone: str) -> None:
    clockwork.one("SELECT set_config('timezone', %s, false)", zone)
    clockwork.tick("2026-10-23 12:00:00Z")
    clockwork.add("nightly", "1 day", "2 hours")
    for before, after in CHANGES:
        assert clockwork.tick(f"{before} 02:00:00Z") == ["nightly"], before
        for moment in ("00:59:59", "01:00:00", "01:59:59"):
            assert clockwork.tick(f"{after} {moment}Z") == [], after
        assert clockwork.tick(f"{after} 02:00:00Z") == ["nightly"], after
        for moment in ("02:00:00", "03:00:00"):
            assert clockwork.tick(f"{after} {moment}Z") == [], after


def test_weeks_begin_on_monday(clockwork: Clockwork) -> None:
    clockwork.add("weekly", "7 days", "1 day 4 hours")  # 2030-01-01 is a Tuesday
    assert clockwork.tick("2030-01-08 03:59:59Z") == []
    assert clockwork.tick("2030-01-08 04:00:00Z") == ["weekly"]


def test_month_of_sleep_is_one_run_each(clockwork: Clockwork) -> None:
    clockwork.add("minutely", "1 minute")
    clockwork.add("nightly", "1 day", "2 hours")
    clockwork.add("weekly", "7 days")
    assert clockwork.tick("2030-02-01 12:00:00Z") == ["minutely", "nightly", "weekly"]
    assert clockwork.tick() == []
    assert clockwork.tick("2030-02-01 12:01:00Z") == ["minutely"]


def test_changes_take_effect_at_once(clockwork: Clockwork) -> None:
    clockwork.add("job", "1 day", "2 hours")
    clockwork.one("UPDATE jikan_sync.job SET at = '13 hours' RETURNING 1")
    assert clockwork.tick("2030-01-01 13:00:00Z") == ["job"]
    clockwork.one("UPDATE jikan_sync.job SET period = '1 minute', at = '0' RETURNING 1")
    assert clockwork.tick("2030-01-01 13:01:00Z") == ["job"]
    clockwork.one("UPDATE jikan_sync.job SET enabled = false RETURNING 1")
    assert clockwork.tick("2030-01-05 13:01:00Z") == []
    assert clockwork.one("SELECT jikan_sync.run_job_if_due('job')") == "not due"
    assert clockwork.one("SELECT jikan_sync.run_job('job')") == "ok", "by hand always"


def test_run_by_hand_counts_for_its_slot(clockwork: Clockwork) -> None:
    clockwork.add("job", "1 hour")
    clockwork.connection.execute("SELECT jikan_sync.clock_set('2030-01-01 13:00:00Z')")
    assert clockwork.one("SELECT jikan_sync.run_job('job')") == "ok"
    assert clockwork.tick() == []
    assert clockwork.tick("2030-01-01 14:00:00Z") == ["job"]


def test_run_is_logged(clockwork: Clockwork) -> None:
    clockwork.add("job", "1 hour")
    clockwork.one("SELECT jikan_sync.run_job('job')")
    [row] = clockwork.rows(
        "SELECT outcome, result, sqlstate, started_at, duration > '0' FROM jikan_sync.job_run"
    )
    assert row == ("ok", "7", None, NOON, True)
    [state] = clockwork.rows("SELECT last_outcome, last_run_at FROM jikan_sync.job")
    assert state == ("ok", NOON)


def test_failing_job_hurts_nobody(clockwork: Clockwork) -> None:
    clockwork.add("a_bad", "1 minute", command="SELECT 1 / 0")
    clockwork.add("b_worse", "1 minute", command="no SQL at all")
    clockwork.add(
        "c_hinting", "1 minute", command="SELECT jikan_sync.enqueue('anime', 1, priority => 'x')"
    )
    clockwork.add("d_good", "1 minute")
    assert clockwork.tick("2030-01-01 12:01:00Z") == ["d_good"]
    runs = clockwork.rows(
        "SELECT job_name, sqlstate, message, context FROM jikan_sync.job_run"
        " WHERE outcome = 'failed' ORDER BY job_name"
    )
    assert [(run[0], run[1]) for run in runs] == [
        ("a_bad", "22012"), ("b_worse", "42601"), ("c_hinting", "22023")
    ]  # fmt: skip
    assert "high (a user waits for it)" in runs[2][2]
    assert "jikan_sync.enqueue" in runs[2][3]
    assert clockwork.one("SELECT count(*) FROM public.ran") == 1


def test_failed_work_is_undone(clockwork: Clockwork) -> None:
    clockwork.add("half", "1 minute", command="INSERT INTO public.ran SELECT 'x' WHERE 1 / 0 = 1")
    assert clockwork.tick("2030-01-01 12:01:00Z") == []


def test_failed_job_is_tried_again_before_its_hour(clockwork: Clockwork) -> None:
    clockwork.add("nightly", "1 day", "2 hours", command="SELECT 1 / 0")
    runs = "SELECT count(*) FROM jikan_sync.job_run"
    moments = ["02:00:00", "02:01:59", "02:02:00", "02:05:59", "02:06:00"]
    counts = []
    for moment in moments:
        clockwork.tick(f"2030-01-02 {moment}Z")
        counts.append(clockwork.one(runs))
    assert counts == [1, 1, 2, 2, 3]
    clockwork.one("UPDATE jikan_sync.job SET command = 'SELECT 1' RETURNING 1")
    clockwork.tick("2030-01-02 02:14:00Z")
    clockwork.tick("2030-01-03 01:59:59Z")
    assert clockwork.one(runs) == 4
    assert clockwork.one("SELECT failure_count FROM jikan_sync.job") == 0


def test_one_job_at_a_time_and_others_go_on(clockwork: Clockwork, connect: Connect) -> None:
    clockwork.add("a_long", "1 minute")
    clockwork.add("b_other", "1 minute")
    clockwork.connection.execute("SELECT jikan_sync.clock_set('2030-01-01 12:01:00Z')")
    elsewhere = connect(autocommit=False)
    assert elsewhere.execute("SELECT jikan_sync.run_job_if_due('a_long')").fetchone() == ("ok",)
    assert clockwork.tick() == ["b_other"], "a_long runs elsewhere"
    assert clockwork.one("SELECT jikan_sync.run_job('a_long')") == "running"
    elsewhere.commit()
    assert clockwork.one("SELECT jikan_sync.run_job_if_due('a_long')") == "not due"


def test_hanging_job_is_cut_off_and_logged(clockwork: Clockwork) -> None:
    clockwork.add("a_hangs", "1 minute", command="SELECT pg_sleep(600)")
    clockwork.add("b_good", "1 minute")
    clockwork.connection.execute("SELECT jikan_sync.clock_set('2030-01-01 12:01:00Z')")
    clockwork.connection.execute("SET statement_timeout = '100ms'")
    for _ in range(3):
        clockwork.connection.execute("SELECT jikan_sync.tick(1)")
    clockwork.connection.execute("RESET statement_timeout")
    assert clockwork.rows("SELECT job_name, sqlstate FROM jikan_sync.job_run ORDER BY id") == [
        ("a_hangs", "57014"),
        ("b_good", None),
    ]


def test_a_job_that_somebody_stops_is_as_due_as_before(
    clockwork: Clockwork, connect: Connect
) -> None:
    clockwork.add("a_long", "1 minute", command="SELECT pg_sleep(600)")
    clockwork.connection.execute("SELECT jikan_sync.clock_set('2030-01-01 12:01:00Z')")
    session = connect()
    raised: list[psycopg.Error] = []

    def tick() -> None:
        try:
            session.execute("SELECT jikan_sync.tick()")
        except psycopg.Error as error:
            raised.append(error)

    thread = threading.Thread(target=tick)
    thread.start()
    sleeps = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    while not clockwork.rows(sleeps):
        assert thread.is_alive()
    thread.join()
    assert [error.sqlstate for error in raised] == ["57014"]
    assert clockwork.one("SELECT count(*) FROM jikan_sync.job_run") == 0
    assert clockwork.one("SELECT last_run_at IS NULL FROM jikan_sync.job") is True


def test_two_sidecars_and_cron_at_once(
    clockwork: Clockwork, connect: Connect, database: str
) -> None:
    for number in range(8):
        clockwork.add(f"job_{number}", "1 minute")
    clockwork.connection.execute("SELECT jikan_sync.clock_set('2030-01-01 12:01:00Z')")
    barrier = threading.Barrier(6)

    def tick(session: psycopg.Connection[Any]) -> None:
        barrier.wait()
        session.execute("SELECT jikan_sync.tick()")

    def cron(session: psycopg.Connection[Any]) -> None:
        barrier.wait()
        for number in range(8):
            session.execute("SELECT jikan_sync.run_job_if_due(%s)", [f"job_{number}"])

    threads = [
        threading.Thread(target=act, args=[connect()])
        for act in (tick, tick, tick, tick, cron, cron)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ran = clockwork.rows("SELECT name, count(*) FROM public.ran GROUP BY name ORDER BY name")
    assert ran == [(f"job_{number}", 1) for number in range(8)]


def test_tick_takes_one_at_a_time_where_asked(clockwork: Clockwork) -> None:
    for name in ("a", "b"):
        clockwork.add(name, "1 minute")
    clockwork.connection.execute("SELECT jikan_sync.clock_set('2030-01-01 12:01:00Z')")
    assert [clockwork.one("SELECT jikan_sync.tick(1)") for _ in range(3)] == [1, 1, 0]


def test_sidecar_ticks_with_the_owners_rights(clockwork: Clockwork, connect: Connect) -> None:
    clockwork.add("job", "1 minute", command="SELECT jikan_sync.mark_stale()")
    clockwork.connection.execute("SELECT jikan_sync.clock_set('2030-01-01 12:01:00Z')")
    row = connect(role="jikan_sidecar").execute("SELECT jikan_sync.tick()").fetchone()
    assert row == (1,)
    assert clockwork.one("SELECT last_outcome FROM jikan_sync.job") == "ok"


def test_periods_that_have_no_slots_are_refused(clockwork: Clockwork) -> None:
    for period, at in (
        ("30 seconds", "0"),
        ("1 month", "0"),
        ("1 day", "1 day"),
        ("1 day", "-1 hour"),
        ("2 years", "0"),
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            clockwork.add("job", period, at)


def test_unknown_job(clockwork: Clockwork) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as refused:
        clockwork.one("SELECT jikan_sync.run_job('nothing')")
    assert refused.value.diag.message_hint
