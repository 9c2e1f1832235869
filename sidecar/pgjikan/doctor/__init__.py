"""Looks for what is wrong with an installation, and says how to mend it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from pgjikan.doctor import outside, schema, server, work
from pgjikan.doctor.finding import Check, Finding, Patient, Verdict
from pgjikan.settings import Settings, with_application_name

__all__ = ["Finding", "Verdict", "examine"]

#: Always possible; the rest needs our schema.
FIRST: tuple[Check, ...] = (*server.CHECKS, *schema.CHECKS)
DEPLOYED: tuple[Check, ...] = (*work.CHECKS, *outside.CHECKS)


def examine(dsn: str, settings: Settings, *, offline: bool = False) -> Iterator[Finding]:
    """Every finding, as it is made. Raises psycopg.OperationalError when the server is away.

    It writes nothing but the report of one request to each enabled provider, if not ``offline``.
    """
    conninfo = with_application_name(dsn, "pgjikan doctor")
    with psycopg.connect(conninfo, autocommit=True) as connection:
        patient = Patient(dsn, connection, settings, offline)
        for check in FIRST:
            yield from look(check, patient)
        if patient.one("SELECT to_regclass('jikan_sync.worker') IS NOT NULL"):
            for check in DEPLOYED:
                yield from look(check, patient)


def look(check: Check, patient: Patient) -> Iterator[Finding]:
    """The findings of one check; a warning where this login may not look."""
    try:
        yield from check(patient)
    except psycopg.errors.InsufficientPrivilege as error:
        yield Finding(
            check.__name__.removeprefix("check_").replace("_", " "),
            "warn",
            f"cannot look: {' '.join(str(error).split())}",
            "Run the doctor as the login that deploys.",
        )
