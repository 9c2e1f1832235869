"""The work: sidecars, jobs, leases, dead letters, bloat, statistics, the clock of the rules."""

from __future__ import annotations

from collections.abc import Iterator

from pgjikan.doctor.finding import Check, Finding, Patient


def check_test_clock(patient: Patient) -> Iterator[Finding]:
    """Whether somebody left the clock of all rules frozen."""
    frozen = patient.one("SELECT frozen_at::text FROM jikan_sync.clock")
    if frozen:
        yield Finding(
            "test clock",
            "bad",
            f"every rule believes that it is {frozen}: nothing goes stale, no job falls due",
            "SELECT jikan_sync.clock_reset();",
        )
    else:
        yield Finding("test clock", "ok", "not frozen")


def check_sidecar(patient: Patient) -> Iterator[Finding]:
    """Whether somebody works off the queue."""
    count, seen = patient.rows("SELECT sidecar_count, sidecar_seen_at::text FROM anime.health")[0]
    if count:
        yield Finding("sidecar", "ok", f"{count} alive")
    else:
        yield Finding(
            "sidecar",
            "warn",
            f"none alive, last seen {seen or 'never'}: reads work, nothing is fetched",
            "pgjikan sidecar",
        )


def check_jobs(patient: Patient) -> Iterator[Finding]:
    """Whether jobs run, and end well."""
    rows = patient.rows(
        "SELECT name, failure_count, last_error, "
        "last_run_at IS NOT NULL AND next_due_at < jikan_sync.ago('1 hour') "
        "FROM jikan_sync.status_job WHERE enabled ORDER BY name"
    )
    for name, failures, error, _ in rows:
        if failures:
            yield Finding(
                "jobs",
                "bad" if failures >= 3 else "warn",
                f"{name} failed {failures} times in a row: {' '.join((error or '').split())}",
                f"pgjikan job run {name}",
            )
    overdue = [name for name, _, _, is_overdue in rows if is_overdue]
    if overdue:
        yield Finding(
            "jobs",
            "bad",
            f"overdue by over an hour: {', '.join(overdue)}; neither pg_cron nor a sidecar "
            "runs them",
            "pgjikan sidecar --once",
        )
    if not overdue and not any(failures for _, failures, _, _ in rows):
        yield Finding("jobs", "ok", f"{len(rows)} enabled, none failing or overdue")


def check_leases(patient: Patient) -> Iterator[Finding]:
    """Whether tasks are stuck with a worker that is gone."""
    count = patient.one(
        "SELECT count(*) FROM jikan_sync.queue WHERE lease_expires_at "
        "< (SELECT jikan_sync.ago('5 minutes'))"
    )
    if count:
        yield Finding(
            "leases",
            "warn",
            f"{count} tasks are held by workers that are gone",
            "pgjikan job run sweep_leases",
        )
    else:
        yield Finding("leases", "ok", "none stuck")


def check_dead_letters(patient: Patient) -> Iterator[Finding]:
    """What was given up."""
    rows = patient.rows(
        "SELECT task, reason, count(*) FROM jikan_sync.dead_letter "
        "GROUP BY task, reason ORDER BY 3 DESC"
    )
    for task, reason, count in rows:
        yield Finding(
            "dead letters",
            "warn",
            f"{count} {task} tasks were given up ({reason})",
            f"pgjikan queue dead; then pgjikan queue redrive --task {task}",
        )
    if not rows:
        yield Finding("dead letters", "ok", "none")


def check_bloat(patient: Patient) -> Iterator[Finding]:
    """Whether dead rows outnumber the live ones."""
    rows = patient.rows(
        "SELECT format('%I.%I', schemaname, relname), n_dead_tup, n_live_tup "
        "FROM pg_stat_user_tables WHERE schemaname IN ('jikan', 'jikan_sync') "
        "AND n_dead_tup > 10000 AND n_dead_tup > n_live_tup ORDER BY 1"
    )
    for table, dead, live in rows:
        yield Finding(
            "bloat",
            "warn",
            f"{table} has {dead:,} dead rows beside {live:,} live ones",
            f"VACUUM (ANALYZE) {table};",
        )
    if not rows:
        yield Finding("bloat", "ok", "no table has more dead rows than live ones")


def check_statistics(patient: Patient) -> Iterator[Finding]:
    """Whether the planner knows the large tables."""
    tables = [
        table
        for (table,) in patient.rows(
            "SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables "
            "WHERE schemaname IN ('jikan', 'jikan_sync') AND n_live_tup > 1000 "
            "AND last_analyze IS NULL AND last_autoanalyze IS NULL ORDER BY 1"
        )
    ]
    if tables:
        yield Finding(
            "statistics",
            "warn",
            f"never analysed: {', '.join(tables)}",
            f"ANALYZE {', '.join(tables)};",
        )
    else:
        yield Finding("statistics", "ok", "the large tables are analysed")


CHECKS: tuple[Check, ...] = (
    check_test_clock,
    check_sidecar,
    check_jobs,
    check_leases,
    check_dead_letters,
    check_bloat,
    check_statistics,
)
