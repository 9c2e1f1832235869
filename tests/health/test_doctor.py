"""Each condition that the doctor knows, broken for real; the mending command mends it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from typer.testing import CliRunner

from pgjikan import migrations
from pgjikan.cli import app
from pgjikan.doctor import examine, outside, schema, server, work
from pgjikan.doctor.finding import Check, Finding, Patient
from pgjikan.settings import Settings
from tests.conftest import Simulate
from tests.store.documents import full

Connection = psycopg.Connection[Any]


@pytest.fixture
def patient(healthy: Connection, database: str) -> Patient:
    return Patient(database, healthy, Settings(_env_file=None, gemini_api_key=None), offline=True)


def complaints(check: Check, patient: Patient) -> list[Finding]:
    return [finding for finding in check(patient) if finding.verdict != "ok"]


def test_a_sound_installation_gets_no_complaint(patient: Patient) -> None:
    found = list(examine(patient.dsn, patient.settings, offline=True))
    old = "use 0.8.4 or newer"  # Debian's pgvector is
    assert [f for f in found if f.verdict != "ok" and old not in f.message] == []
    assert len({finding.check for finding in found}) >= 17


# What breaks it; the check; the verdict; what is said; whether the mend is SQL that can run here.
BROKEN: dict[str, tuple[str, Check, str, str, bool]] = {
    "clock left frozen": (
        "SELECT jikan_sync.clock_set('2030-01-01Z')",
        *(work.check_test_clock, "bad", "2030-01-01", True),
    ),
    "vector too old": (
        "UPDATE pg_extension SET extversion = '0.7.4' WHERE extname = 'vector'",
        *(schema.check_extensions, "bad", "vector 0.7.4 is older than 0.8", False),
    ),
    "vector with known faults": (
        "UPDATE pg_extension SET extversion = '0.8.2' WHERE extname = 'vector'",
        *(schema.check_extensions, "warn", "use 0.8.4 or newer", False),
    ),
    "extension dropped": (
        "DROP EXTENSION pg_trgm CASCADE",
        *(schema.check_extensions, "bad", "pg_trgm is missing", True),
    ),
    "role that logs in": (
        "ALTER ROLE anime_reader LOGIN",
        *(schema.check_roles, "warn", "anime_reader can log in", True),
    ),
    "role that is gone": (
        "ALTER ROLE anime_reader RENAME TO anime_reader_of_old",
        *(schema.check_roles, "bad", "role anime_reader is missing", True),
    ),
    "autovacuum off for a table": (
        "ALTER TABLE jikan_sync.queue SET (autovacuum_enabled = false)",
        *(server.check_autovacuum, "bad", "autovacuum is off for jikan_sync.queue", True),
    ),
    "stuck lease": (
        "SELECT jikan_sync.enqueue('anime', 1);"
        "UPDATE jikan_sync.queue SET leased_by = 'gone', lease_token = gen_random_uuid(),"
        " lease_expires_at = now() - interval '1 hour'",
        *(work.check_leases, "warn", "1 tasks are held by workers that are gone", False),
    ),
    "dead letter": (
        "INSERT INTO jikan_sync.dead_letter SELECT 1, 'anime', NULL, 5, '{}', 'low', 'anime:5',"
        " now(), now(), 5, 'row', 'why', '[]'",
        *(work.check_dead_letters, "warn", "1 anime tasks were given up (row)", False),
    ),
    "job that fails": (
        "UPDATE jikan_sync.job SET command = 'SELECT 1 / 0' WHERE name = 'mark_stale';"
        "SELECT jikan_sync.run_job('mark_stale')",
        *(work.check_jobs, "warn", "mark_stale failed 1 times in a row: division by zero", False),
    ),
    "job that nobody runs": (
        "UPDATE jikan_sync.job SET last_run_at = now() - interval '3 hours', last_outcome = 'ok',"
        " last_duration = '1 s' WHERE name = 'sweep_leases'",
        *(work.check_jobs, "bad", "overdue by over an hour: sweep_leases", False),
    ),
    "sidecar gone": (
        "UPDATE jikan_sync.worker SET seen_at = now() - interval '1 hour'",
        *(work.check_sidecar, "warn", "none alive, last seen 2", False),
    ),
    "no provider": (
        "UPDATE jikan_sync.provider SET enabled = false",
        *(outside.check_providers, "bad", "no Jikan provider is enabled", False),
    ),
    "embedder without its key": (
        "SELECT jikan_sync.add_embedding_model('google', 'gemini-embedding-001', 768)",
        *(outside.check_embedders, "bad", "key", False),
    ),
    "statistics collector off": (
        "SET track_counts = off",
        *(server.check_autovacuum, "bad", "track_counts is off", False),
    ),
    "pg_cron that is not preloaded": (
        "CREATE SCHEMA cron; CREATE TABLE cron.job (jobname text, active boolean,"
        " username text, database text);"
        "INSERT INTO cron.job SELECT 'pgjikan:' || name, true, current_user, current_database()"
        " FROM jikan_sync.job",
        *(schema.check_cron, "bad", "shared_preload_libraries lacks pg_cron", False),
    ),
    "pg_cron that was never created": (
        "SELECT set_config('cron.database_name', current_database(), false)",
        *(schema.check_cron, "warn", "the extension is missing", False),
    ),
    "embeddings blocked": (
        "UPDATE jikan_sync.embedding_provider SET blocked_until = now() + interval '1 hour',"
        " blocked_reason = 'quota_exhausted'",
        *(outside.check_embedders, "warn", "quota_exhausted", False),
    ),
}


@pytest.mark.parametrize(
    "condition",
    [pytest.param(c, marks=pytest.mark.bare) if c.startswith("pg_cron") else c for c in BROKEN],
)
def test_it_finds_and_mends(condition: str, patient: Patient) -> None:
    statement, check, verdict, said, mends = BROKEN[condition]
    with patient.connection.transaction(force_rollback=True):  # roles are the whole server's
        before = complaints(check, patient)  # of the server's own, as an old pgvector
        patient.connection.execute(statement.encode())
        [finding] = [found for found in complaints(check, patient) if found not in before]
        assert (finding.verdict, said in finding.message) == (verdict, True), finding
        assert finding.mend
        if mends:
            patient.connection.execute(finding.mend.encode())
            assert complaints(check, patient) == before


def test_dead_rows_and_missing_statistics(patient: Patient) -> None:
    patient.connection.execute(
        "ALTER TABLE jikan_sync.queue SET (autovacuum_enabled = false);"
        "SELECT jikan_sync.enqueue_many('anime', array_agg(g)) FROM generate_series(1, 15000) AS g"
    )
    patient.connection.execute("SELECT pg_stat_force_next_flush()")
    [unknown] = complaints(work.check_statistics, patient)
    assert "never analysed: jikan_sync.queue" in unknown.message
    patient.connection.execute("DELETE FROM jikan_sync.queue")
    patient.connection.execute("SELECT pg_stat_force_next_flush()")
    [bloat] = complaints(work.check_bloat, patient)
    assert "jikan_sync.queue has 15,0" in bloat.message
    assert bloat.mend
    patient.connection.execute(bloat.mend.encode())
    patient.connection.execute("SELECT pg_stat_force_next_flush()")
    assert complaints(work.check_bloat, patient) == complaints(work.check_statistics, patient) == []


def test_a_schema_behind_or_beside_the_plan(patient: Patient) -> None:
    patient.connection.execute(
        "UPDATE sqitch.changes SET script_hash = 'edited' WHERE change = 'schema/clock'"
    )
    [drift] = complaints(schema.check_migrations, patient)
    assert "schema/clock" in drift.message and drift.verdict == "bad"
    migrations.revert(patient.dsn, to=migrations.own_plan().changes[-2].id)
    behind, _ = complaints(schema.check_migrations, patient)
    assert (behind.verdict, behind.mend) == ("bad", "pgjikan deploy")


def test_a_schema_half_deployed(patient: Patient) -> None:
    patient.connection.execute("DROP SCHEMA anime CASCADE")
    found = list(examine(patient.dsn, patient.settings, offline=True))
    blind = [finding for finding in found if finding.message.startswith("cannot look")]
    assert {finding.mend for finding in blind} == {"pgjikan deploy"}
    assert {finding.check for finding in blind} == {"sidecar", "embedders"}


def test_a_database_without_us(empty_database: str) -> None:
    found = list(examine(empty_database, Settings(_env_file=None), offline=True))
    bad = {finding.mend for finding in found if finding.verdict == "bad"}
    assert {"pgjikan deploy", "CREATE EXTENSION vector;"} <= bad


@pytest.fixture
def ascii_database(database: str) -> Iterator[str]:
    """A database as old installations have it: no encoding, no locale."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE ascii_only TEMPLATE template0 ENCODING 'SQL_ASCII' "
            "LOCALE_PROVIDER libc LOCALE 'C'"
        )
        connection.execute(
            "CREATE DATABASE c_locale TEMPLATE template0 ENCODING 'UTF8' "
            "LOCALE_PROVIDER libc LOCALE 'C'"
        )
        yield database
        connection.execute("DROP DATABASE ascii_only WITH (FORCE)")
        connection.execute("DROP DATABASE c_locale WITH (FORCE)")


def test_a_database_that_cannot_hold_or_search_japanese(ascii_database: str) -> None:
    for name, check in (("ascii_only", "encoding"), ("c_locale", "ctype")):
        dsn = make_conninfo(**{**conninfo_to_dict(ascii_database), "dbname": name})
        with psycopg.connect(dsn, autocommit=True) as connection:
            patient = Patient(dsn, connection, Settings(_env_file=None))
            [finding] = complaints(server.check_text, patient)
            assert (finding.check, finding.verdict) == (check, "bad")


def test_a_transaction_left_open(patient: Patient, connect: Callable[..., Connection]) -> None:
    assert complaints(server.check_transactions, patient) == []
    left = connect(autocommit=False)
    left.execute("SELECT 1")
    [finding] = server.check_transactions(patient, 0)
    assert finding.verdict == "warn" and "dead rows pile up" in finding.message
    assert finding.mend is not None
    patient.connection.execute(finding.mend.encode())
    with pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")
    left.close()
    while patient.one(
        "SELECT count(*) FROM pg_stat_activity WHERE pid = %s", left.info.backend_pid
    ):
        patient.connection.execute("SELECT pg_stat_clear_snapshot()")
    assert [found.verdict for found in server.check_transactions(patient, 0)] == ["ok"]


def test_clocks_apart(patient: Patient) -> None:
    assert [found.verdict for found in server.check_clock(patient)] == ["ok"]
    [finding] = [*server.check_clock(patient, lambda: time.time() - 60)]
    assert finding.verdict == "warn"
    assert "+60 s" in finding.message


def test_a_version_too_old_or_unknown() -> None:
    assert server.judge_version(160004).verdict == "bad"
    assert server.judge_version(170002).verdict == "ok"
    assert server.judge_version(180006).verdict == "ok"
    assert server.judge_version(190000).verdict == "warn"
    assert all(server.judge_version(number).mend for number in (160004, 190000))


def test_a_login_that_may_not_look_is_told_so(healthy: Connection, database: str) -> None:
    dsn = make_conninfo(database, options="-c role=jikan_sidecar")
    found = list(examine(dsn, Settings(_env_file=None), offline=True))
    blind = [finding for finding in found if "cannot look" in finding.message]
    assert blind and {finding.verdict for finding in blind} == {"warn"}


def test_a_provider_is_asked(patient: Patient, simulate: Simulate) -> None:
    asking = Patient(patient.dsn, patient.connection, patient.settings)
    with simulate([full(1)]) as simulator:
        patient.connection.execute(
            "UPDATE jikan_sync.provider SET base_url = %s WHERE enabled", (simulator.url,)
        )
        [finding] = outside.check_providers(asking)
        assert (finding.verdict, "answered" in finding.message) == ("ok", True)
    [finding] = outside.check_providers(asking)
    assert (finding.verdict, "transport_error" in finding.message) == ("bad", True)
    patient.connection.execute(
        "SELECT jikan_sync.report_request('tenrai', 'rate_limited', 'anime',"
        " 'anime:1', 429, retry_after => '10 minutes')"
    )
    [finding] = outside.check_providers(asking)
    assert (finding.verdict, "may not be asked now" in finding.message) == ("warn", True)
    assert "waits for its turn until 20" in finding.message
    assert "it last failed with transport_error at 20" in finding.message
    assert finding.mend and "pgjikan provider list" in finding.mend
    patient.connection.execute(
        "SELECT jikan_sync.report_request('tenrai', 'upstream_error', 'anime', 'anime:' || n, 503)"
        " FROM generate_series(1, 6) AS n"
    )
    [finding] = outside.check_providers(patient)
    assert (finding.verdict, "its breaker is open until 20" in finding.message) == ("warn", True)
    assert "it last failed with upstream_error 503 at 20" in finding.message


def test_the_command(patient: Patient) -> None:
    arguments = ["doctor", "--offline", "--dsn", patient.dsn]
    sound = CliRunner().invoke(app, arguments)
    assert sound.exit_code == 0, sound.output
    patient.connection.execute("SELECT jikan_sync.clock_set('2030-01-01Z')")
    broken = CliRunner().invoke(app, arguments)
    assert broken.exit_code == 1
    assert "SELECT jikan_sync.clock_reset();" in broken.output
    findings = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).output)
    assert {"check", "verdict", "message", "mend"} == set(findings[0])
