"""The server: its version, its text, its clock, its housekeeping."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from pgjikan.doctor.finding import Check, Finding, Patient

TESTED = (17, 18)


def judge_version(number: int) -> Finding:
    """What to think of a server's version number."""
    major = number // 10000
    if major < TESTED[0]:
        return Finding(
            "server version",
            "bad",
            f"PostgreSQL {major} is too old: {TESTED[0]} or {TESTED[1]} is needed",
            "Upgrade the server with pg_upgrade, or dump and restore.",
        )
    if major > TESTED[1]:
        return Finding(
            "server version",
            "warn",
            f"PostgreSQL {major} is newer than what we test ({TESTED[0]} and {TESTED[1]})",
            "pgjikan verify tries what is deployed; please report what does not work.",
        )
    return Finding("server version", "ok", f"PostgreSQL {major}.{number % 10000}")


def check_server_version(patient: Patient) -> Iterator[Finding]:
    """Whether it is one that we test, and not a standby."""
    yield judge_version(int(patient.one("SHOW server_version_num")))
    if patient.one("SELECT pg_is_in_recovery()"):
        yield Finding(
            "server version",
            "warn",
            "this is a standby: reads work, nothing is queued, no sidecar can work here",
            "pgjikan sidecar --dsn PRIMARY",
        )


def check_text(patient: Patient) -> Iterator[Finding]:
    """Whether this database can hold and search titles in every script."""
    encoding = patient.one("SHOW server_encoding")
    mend = (
        "createdb --template=template0 --encoding=UTF8 --locale=C.UTF-8 NEW; "
        "then pg_dump this one into it."
    )
    if encoding != "UTF8":
        yield Finding("encoding", "bad", f"{encoding} cannot hold Japanese titles", mend)
        return
    yield Finding("encoding", "ok", "UTF8")
    # Asked of the server, because locales go by many names: does it know letters beyond ASCII?
    if patient.one("SELECT lower('Ä') = 'ä' AND 'ナ' ~ '[[:alpha:]]'"):
        yield Finding("ctype", "ok", "knows letters beyond ASCII")
    else:
        yield Finding(
            "ctype",
            "bad",
            "this locale knows ASCII letters only: pg_trgm ignores all others, "
            "so titles in Japanese are not found",
            mend,
        )


def check_clock(patient: Patient, now: Callable[[], float] = time.time) -> Iterator[Finding]:
    """How far this machine's clock is from the server's."""
    before = now()
    there = float(patient.one("SELECT extract(EPOCH FROM clock_timestamp())"))
    skew = there - (before + now()) / 2
    if abs(skew) > 5:
        yield Finding(
            "clock skew",
            "warn",
            f"the server's clock is {skew:+.0f} s from this machine's",
            "Let both follow NTP: timedatectl set-ntp true",
        )
    else:
        yield Finding("clock skew", "ok", f"{abs(skew) * 1000:.0f} ms")


def check_autovacuum(patient: Patient) -> Iterator[Finding]:
    """Whether tables are cleaned and their statistics kept."""
    off = [
        name
        for name in ("autovacuum", "track_counts")
        if patient.one("SELECT current_setting(%s)", name) == "off"
    ]
    for name in off:
        yield Finding(
            "autovacuum",
            "bad",
            f"{name} is off: the queue bloats and plans go wrong",
            f"ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();",
        )
    tables = patient.rows(
        "SELECT c.oid::regclass::text FROM pg_class AS c "
        "WHERE c.relnamespace IN (to_regnamespace('jikan'), to_regnamespace('jikan_sync')) "
        "AND 'autovacuum_enabled=false' = ANY (c.reloptions)"
    )
    for (table,) in tables:
        yield Finding(
            "autovacuum",
            "bad",
            f"autovacuum is off for {table}",
            f"ALTER TABLE {table} RESET (autovacuum_enabled);",
        )
    if not off and not tables:
        yield Finding("autovacuum", "ok", "on")


def check_transactions(patient: Patient, minutes: float = 60) -> Iterator[Finding]:
    """Whether something keeps dead rows from being removed."""
    rows = patient.rows(
        "SELECT a.pid, coalesce(nullif(a.application_name, ''), a.usename, '?'), "
        "date_trunc('minute', clock_timestamp() - a.xact_start)::text "
        "FROM pg_stat_activity AS a "
        "WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() "
        "AND a.backend_type = 'client backend' "
        "AND clock_timestamp() - a.xact_start > make_interval(secs => 60 * %s)",
        minutes,
    )
    for pid, name, age in rows:
        yield Finding(
            "transactions",
            "warn",
            f"{name} (process {pid}) has had a transaction open for {age}: dead rows pile up",
            f"SELECT pg_terminate_backend({pid});",
        )
    if not rows:
        yield Finding("transactions", "ok", "none open for over an hour")


CHECKS: tuple[Check, ...] = (
    check_server_version,
    check_text,
    check_clock,
    check_autovacuum,
    check_transactions,
)
