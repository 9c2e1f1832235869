"""pg_cron fires and plpython3u reaches the network library: the image has what we promise."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Event, Thread
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


@pytest.fixture(scope="module")
def project(server: Any) -> Iterator[str]:
    """The project in pg_cron's database."""
    conninfo = str(server.conninfo("pgjikan_cron"))
    migrations.deploy(conninfo, verify=False)
    yield conninfo
    migrations.revert(conninfo)


@pytest.fixture
def scheduled(cron: psycopg.Connection[Any], project: str) -> Iterator[psycopg.Connection[Any]]:
    """The shipped jobs as entries of pg_cron, and channel job_ran at each run."""
    cron.execute("CREATE TEMPORARY TABLE shipped AS SELECT j.* FROM jikan_sync.job AS j")
    cron.execute(
        "CREATE FUNCTION public.tell() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN NOTIFY job_ran; RETURN NULL; END'"
    )
    cron.execute(
        "CREATE TRIGGER tell AFTER UPDATE OF last_run_at ON jikan_sync.job"
        " FOR EACH STATEMENT EXECUTE FUNCTION public.tell()"
    )
    cron.execute("LISTEN job_ran")
    cron.execute("SELECT jikan_sync.install_jobs()")
    yield cron
    cron.execute("SELECT cron.unschedule(jobid) FROM cron.job")
    cron.execute("DROP FUNCTION public.tell() CASCADE")
    cron.execute("DELETE FROM jikan_sync.job")
    cron.execute("INSERT INTO jikan_sync.job SELECT s.* FROM shipped AS s")


def entries(cron: psycopg.Connection[Any]) -> dict[str, str]:
    """The active entries of pg_cron: schedule by name."""
    return dict(cron.execute("SELECT jobname, schedule FROM cron.job WHERE active").fetchall())


def every_second(cron: psycopg.Connection[Any], name: str) -> None:
    cron.execute(
        "SELECT cron.alter_job(jobid, schedule => '1 second') FROM cron.job WHERE jobname = %s",
        [f"pgjikan:{name}"],
    )


def test_cron_runs_our_jobs(scheduled: psycopg.Connection[Any]) -> None:
    jobs = scheduled.execute("SELECT name FROM jikan_sync.job WHERE enabled").fetchall()
    assert sorted(entries(scheduled)) == sorted(f"pgjikan:{name}" for (name,) in jobs)
    every_second(scheduled, "sweep_leases")
    assert [note.channel for note in scheduled.notifies(timeout=90, stop_after=1)] == ["job_ran"]
    row = scheduled.execute(
        "SELECT name FROM jikan_sync.job WHERE last_run_at IS NOT NULL ORDER BY name"
    ).fetchone()
    assert row is not None


def test_entries_follow_the_jobs(scheduled: psycopg.Connection[Any]) -> None:
    scheduled.execute("SELECT cron.schedule('of somebody else', '0 5 * * *', 'SELECT 1')")
    before = entries(scheduled)
    scheduled.execute("UPDATE jikan_sync.job SET enabled = false WHERE name = 'sync_season'")
    scheduled.execute("UPDATE jikan_sync.job SET at = '3:07' WHERE name = 'nightly_embeddings'")
    scheduled.execute("DELETE FROM jikan_sync.job WHERE name = 'sync_airing'")
    scheduled.execute("SELECT jikan_sync.install_jobs()")
    after = entries(scheduled)
    assert before.keys() - after.keys() == {"pgjikan:sync_season", "pgjikan:sync_airing"}
    assert before["pgjikan:nightly_embeddings"] == "0 2 * * *"
    assert {name: schedule for name, schedule in after.items() if schedule != before[name]} == {
        "pgjikan:nightly_embeddings": "7 3 * * *"
    }
    scheduled.execute("UPDATE jikan_sync.job SET enabled = true WHERE name = 'sync_season'")
    scheduled.execute("SELECT jikan_sync.install_jobs()")
    assert before.keys() - entries(scheduled).keys() == {"pgjikan:sync_airing"}


def test_cron_and_ticks_run_a_job_once(scheduled: psycopg.Connection[Any], project: str) -> None:
    """pg_cron asks every second, two sidecars tick as fast as they can, while slots begin."""
    scheduled.execute("DELETE FROM jikan_sync.job WHERE name <> 'sweep_leases'")
    scheduled.execute("CREATE TABLE public.ran (slot timestamptz)")
    scheduled.execute("GRANT ALL ON public.ran TO jikan_owner")
    scheduled.execute(
        "UPDATE jikan_sync.job SET command = $$INSERT INTO public.ran"
        " VALUES (date_trunc('minute', jikan_sync.clock_now())) RETURNING 1$$"
    )
    scheduled.execute("SELECT jikan_sync.install_jobs()")
    every_second(scheduled, "sweep_leases")
    finished = (
        "SELECT FROM cron.job_run_details"
        " WHERE command LIKE '%sweep_leases%' AND status = 'succeeded'"
    )
    stop = Event()

    def tick() -> None:
        with psycopg.connect(project, autocommit=True) as session:
            while not stop.is_set():
                session.execute("SELECT jikan_sync.tick(1)")

    threads = [Thread(target=tick) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for minute in range(3):
            scheduled.execute("SELECT jikan_sync.clock_set(%s)", [f"2030-01-01 12:0{minute}:00Z"])
            before = scheduled.execute(finished).rowcount
            # One of pg_cron's runs began before the slot, and whoever has the slot needs its time.
            while (
                scheduled.execute(finished).rowcount < before + 2
                or scheduled.execute("TABLE public.ran").rowcount <= minute
            ):
                stop.wait(0.05)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        scheduled.execute("SELECT jikan_sync.clock_reset()")
    ran = scheduled.execute("SELECT slot::text, count(*) FROM public.ran GROUP BY 1").fetchall()
    scheduled.execute("DROP TABLE public.ran")
    assert sorted(ran) == [(f"2030-01-01 12:0{minute}:00+00", 1) for minute in range(3)]


OURS = "SELECT jikan_sync.run_job_if_due(''any'')"
OLD = "now() - interval '8 days'"
#: Runs that pg_cron noted: number, command, database, status, start, end; and whether they go.
RUNS = [
    (-9, OURS, "current_database()", "starting", "NULL", "NULL", True),
    (-8, OURS, "current_database()", "succeeded", OLD, OLD, True),
    (-7, OURS, "current_database()", "running", OLD, "NULL", True),
    (-6, "SELECT 1", "current_database()", "succeeded", OLD, OLD, False),
    (-5, OURS, "'another'", "succeeded", OLD, OLD, False),
    (-4, OURS, "current_database()", "running", "now()", "NULL", False),
]


def note_runs(cron: psycopg.Connection[Any]) -> None:
    for number, command, database, status, start, end, _ in RUNS:
        cron.execute(
            "INSERT INTO cron.job_run_details"
            " (jobid, runid, command, database, username, status, start_time, end_time)"
            f" VALUES (-1, {number}, '{command}', {database}, current_user, '{status}', {start},"
            f" {end}) ON CONFLICT (runid) DO NOTHING".encode()
        )


def left(cron: psycopg.Connection[Any]) -> set[int]:
    rows = cron.execute("SELECT runid FROM cron.job_run_details WHERE jobid = -1")
    return {number for (number,) in rows}


@pytest.mark.parametrize("who", ["the entry", "the job"])
def test_old_runs_of_cron_are_purged(scheduled: psycopg.Connection[Any], who: str) -> None:
    """Those without an end too; those of other people's jobs, and of another database, stay."""
    note_runs(scheduled)
    kept = {run[0] for run in RUNS if not run[-1]}
    if who == "the entry":
        every_second(scheduled, "purge_history")
        deadline = time.monotonic() + 60
        while left(scheduled) != kept and time.monotonic() < deadline:
            time.sleep(0.05)
    else:
        scheduled.execute("SELECT jikan_sync.run_job('purge_history')")
    assert left(scheduled) == kept
    scheduled.execute("DELETE FROM cron.job_run_details WHERE jobid = -1")


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
