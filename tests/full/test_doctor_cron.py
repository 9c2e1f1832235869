"""The doctor's look at a real pg_cron, and its mend."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from pgjikan import migrations
from pgjikan.doctor import schema
from pgjikan.doctor.finding import Patient
from pgjikan.settings import Settings

pytestmark = pytest.mark.full


def test_jobs_without_an_entry(cron: psycopg.Connection[Any]) -> None:
    conninfo = f"{cron.info.dsn} password={cron.info.password}"
    migrations.deploy(conninfo)  # and verify, where jikan_owner may not look into schema cron
    try:
        patient = Patient(conninfo, cron, Settings(_env_file=None), offline=True)
        assert [finding.verdict for finding in schema.check_cron(patient)] == ["ok"]
        cron.execute("SELECT cron.unschedule('pgjikan:mark_stale')")
        [finding] = schema.check_cron(patient)
        assert (finding.verdict, "mark_stale" in finding.message) == ("warn", True)
        assert finding.mend is not None
        cron.execute(finding.mend.encode())
        assert [finding.verdict for finding in schema.check_cron(patient)] == ["ok"]
    finally:
        cron.execute("SELECT cron.unschedule(jobid) FROM cron.job")
        migrations.revert(conninfo)
