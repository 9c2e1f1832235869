"""The jobs that ship: their periods, their cron schedules, and that each runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

SHIPPED = {
    "sweep_leases": ("0:01:00", "* * * * *"),
    "refresh_stale": ("0:05:00", "2-59/5 * * * *"),
    "mark_stale": ("1:00:00", "7 * * * *"),
    "nightly_embeddings": ("1 day, 0:00:00", "0 2 * * *"),
    "sync_season": ("1 day, 0:00:00", "17 3 * * *"),
    "sync_airing": ("12:00:00", "47 0-23/12 * * *"),
    "sync_season_weekly": ("7 days, 0:00:00", "23 4 * * 2"),
    "sync_catalogue": ("1 day, 0:00:00", "29 1 * * *"),
    "confirm_missing": ("1 day, 0:00:00", "41 5 * * *"),
    "purge_history": ("1 day, 0:00:00", "53 4 * * *"),
}


def test_periods_and_schedules(connection: psycopg.Connection[Any]) -> None:
    rows = connection.execute(
        "SELECT name, period, jikan_sync.cron_schedule(period, at) FROM jikan_sync.job"
        " WHERE enabled"
    ).fetchall()
    found = {name: (str(period), cron) for name, period, cron in rows}
    assert {name: found[name] for name in SHIPPED} == SHIPPED


def test_cron_schedules(connection: psycopg.Connection[Any]) -> None:
    for period, at, expected in (
        ("30 minutes", "29 minutes", "29-59/30 * * * *"),
        ("6 hours", "5 hours 30 minutes", "30 5-23/6 * * *"),
        ("7 days", "6 days", "0 0 * * 0"),
        ("7 days", "0", "0 0 * * 1"),
        ("1 day", "90 seconds", "2 0 * * *"),
        ("45 minutes", "0", "*/5 * * * *"),
        ("3 days", "0", "*/5 * * * *"),
    ):
        row = connection.execute("SELECT jikan_sync.cron_schedule(%s, %s)", [period, at]).fetchone()
        assert row == (expected,), (period, at)


def test_every_shipped_job_runs(
    connection: psycopg.Connection[Any], set_clock: Callable[[str], None]
) -> None:
    set_clock("2040-01-01 00:00:00Z")
    jobs = connection.execute("SELECT count(*) FROM jikan_sync.job WHERE enabled").fetchone()
    assert connection.execute("SELECT jikan_sync.tick()").fetchone() == jobs
    failed = connection.execute(
        "SELECT job_name, message FROM jikan_sync.job_run WHERE outcome = 'failed'"
    ).fetchall()
    assert failed == []


def test_without_cron_there_is_nothing_to_install(connection: psycopg.Connection[Any]) -> None:
    if connection.execute("SELECT to_regnamespace('cron')").fetchone() == (None,):
        assert connection.execute("SELECT jikan_sync.install_jobs()").fetchone() == (0,)
