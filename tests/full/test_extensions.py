"""pg_cron fires and plpython3u reaches the network library: the image has what we promise."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from pgjikan import migrations

pytestmark = pytest.mark.full


def test_cron_fires(cron: psycopg.Connection[Any]) -> None:
    cron.execute("LISTEN cron_fired")
    cron.execute("SELECT cron.schedule('fires', '1 second', 'NOTIFY cron_fired')")
    fired = [note.channel for note in cron.notifies(timeout=30, stop_after=1)]
    assert fired == ["cron_fired"]


def test_cron_runs_our_jobs(cron: psycopg.Connection[Any]) -> None:
    conninfo = f"{cron.info.dsn} password={cron.info.password}"
    migrations.deploy(conninfo, verify=False)
    try:
        cron.execute("SELECT jikan_sync.install_jobs()")
        jobs = cron.execute("SELECT name FROM jikan_sync.job WHERE enabled").fetchall()
        commands = " ".join(
            row[0] for row in cron.execute("SELECT command FROM cron.job WHERE active")
        )
        assert [name for (name,) in jobs if name not in commands] == []
        cron.execute(
            "CREATE FUNCTION public.tell() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN NOTIFY job_ran; RETURN NULL; END'"
        )
        cron.execute(
            "CREATE TRIGGER tell AFTER UPDATE OF last_run_at ON jikan_sync.job"
            " FOR EACH STATEMENT EXECUTE FUNCTION public.tell()"
        )
        cron.execute("LISTEN job_ran")
        cron.execute(
            "SELECT cron.alter_job(jobid, schedule => '1 second') FROM cron.job"
            " WHERE command LIKE '%sweep_leases%'"
        )
        assert [note.channel for note in cron.notifies(timeout=30, stop_after=1)] == ["job_ran"]
        row = cron.execute(
            "SELECT last_run_at IS NOT NULL FROM jikan_sync.job WHERE name = 'sweep_leases'"
        ).fetchone()
        assert row == (True,)
    finally:
        cron.execute("SELECT cron.unschedule(jobid) FROM cron.job")
        cron.execute("DROP FUNCTION IF EXISTS public.tell() CASCADE")
        migrations.revert(conninfo)


def test_plpython_has_requests(connection: psycopg.Connection[Any]) -> None:
    connection.execute("CREATE EXTENSION IF NOT EXISTS plpython3u")
    connection.execute(
        "CREATE FUNCTION public.requests_version() RETURNS text LANGUAGE plpython3u"
        " AS 'import requests; return requests.__version__'"
    )
    row = connection.execute("SELECT public.requests_version()").fetchone()
    assert row is not None
    assert row[0].startswith("2.")


def test_extensions_are_new_enough(connection: psycopg.Connection[Any]) -> None:
    rows = connection.execute(
        "SELECT name, default_version FROM pg_catalog.pg_available_extensions"
        " WHERE name IN ('vector', 'pg_cron')"
    ).fetchall()
    versions = {name: tuple(map(int, version.split("."))) for name, version in rows}
    assert versions["vector"] >= (0, 8)  # iterative scans
    assert versions["pg_cron"] >= (1, 5)  # schedules in seconds
