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
        cron.execute("CREATE ROLE leaver LOGIN")
        cron.execute("UPDATE cron.job SET username = 'leaver' WHERE jobname LIKE 'pgjikan:%'")
        cron.execute("DROP ROLE leaver")
        gone, missing = schema.check_cron(patient)
        assert (gone.verdict, "belong to leaver" in gone.message) == ("warn", True)
        assert "these jobs have no entry" in missing.message
        cron.execute("SELECT cron.schedule('others', '0 5 * * *', 'SELECT 1')")
        cron.execute("UPDATE cron.job SET username = 'nobody else' WHERE jobname = 'others'")
        assert gone.mend is not None
        cron.execute(gone.mend.partition(": ")[2].encode())
        assert [finding.verdict for finding in schema.check_cron(patient)] == ["ok"]
        left = cron.execute("SELECT count(*) FROM cron.job WHERE username = 'nobody else'")
        assert left.fetchone() == (1,)
    finally:
        cron.execute("SELECT cron.unschedule(jobid) FROM cron.job")
        migrations.revert(conninfo)
