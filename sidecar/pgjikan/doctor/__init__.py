"""Looks for what is wrong with an installation, and says how to mend it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from pgjikan.connection import connect, refusal_of_app
from pgjikan.doctor import outside, schema, server, work
from pgjikan.doctor.finding import Check, Finding, Patient, Verdict
from pgjikan.settings import Settings

__all__ = ["Finding", "Verdict", "examine"]

#: Always possible; the rest needs our schema.
FIRST: tuple[Check, ...] = (*server.CHECKS, *schema.CHECKS)
DEPLOYED: tuple[Check, ...] = (*work.CHECKS, *outside.CHECKS)


def examine(dsn: str, settings: Settings, *, offline: bool = False) -> Iterator[Finding]:
    """Every finding, as it is made. Raises psycopg.OperationalError when the server is away, and
    PgjikanError for the login of an app, which may look at next to nothing.

    It writes nothing but the report of one request to each enabled provider, if not ``offline``.
    """
    with connect(dsn, "pgjikan doctor") as connection:
        patient = Patient(dsn, connection, settings, offline)
        refusal = refusal_of_app(connection)
        if refusal is not None:
            raise refusal
        for check in FIRST:
            yield from look(check, patient)
        if patient.one("SELECT to_regnamespace('jikan_sync') IS NOT NULL"):
            for check in DEPLOYED:
                yield from look(check, patient)


def look(check: Check, patient: Patient) -> Iterator[Finding]:
    """The findings of one check; one that says so where it cannot look."""
    name = check.__name__.removeprefix("check_").replace("_", " ")
    try:
        yield from check(patient)
    except psycopg.errors.InsufficientPrivilege as error:
        told = f"cannot look: {error.diag.message_primary}"
        yield Finding(name, "warn", told, "Run the doctor as the login that deploys.")
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction) as error:
        told = f"cannot look: {error.diag.message_primary}"
        yield Finding(name, "bad", told, "pgjikan deploy")
