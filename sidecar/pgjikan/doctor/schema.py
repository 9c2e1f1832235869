"""The database: extensions, roles, and whether the schema is what the plan says."""

from __future__ import annotations

from collections.abc import Iterator

from pgjikan import migrations
from pgjikan.doctor.finding import Check, Finding, Patient
from pgjikan.errors import PgjikanError

NEEDED = {"vector": (0, 8), "pg_trgm": (1, 6)}
#: Before it an HNSW index being built in parallel can lose rows or crash.
GOOD_VECTOR = (0, 8, 4)
ROLES = ("jikan_owner", "jikan_sidecar", "anime_reader")


def check_extensions(patient: Patient) -> Iterator[Finding]:
    """Whether those we need are here, and new enough."""
    installed = dict(patient.rows("SELECT extname, extversion FROM pg_extension"))
    available = dict(patient.rows("SELECT name, default_version FROM pg_available_extensions"))
    for name, oldest in NEEDED.items():
        version = installed.get(name)
        if version is None:
            yield Finding(
                "extensions",
                "bad",
                f"{name} is missing"
                + ("" if name in available else ", and not installed on the server's machine"),
                f"CREATE EXTENSION {name};"
                if name in available
                else f"Install its package (docker/db/packages.txt), then CREATE EXTENSION {name};",
            )
        elif _parts(version) < oldest:
            yield Finding(
                "extensions",
                "bad",
                f"{name} {version} is older than {'.'.join(map(str, oldest))}",
                f"ALTER EXTENSION {name} UPDATE;",
            )
        elif name == "vector" and _parts(version) < GOOD_VECTOR:
            yield Finding(
                "extensions",
                "warn",
                f"vector {version}: use 0.8.4 or newer, which has fixes of security and of indexes",
                "Install the newer package, then ALTER EXTENSION vector UPDATE;",
            )
        else:
            yield Finding("extensions", "ok", f"{name} {version}")


def check_cron(patient: Patient) -> Iterator[Finding]:
    """Whether pg_cron, where there is one, runs our jobs."""
    preloaded = patient.one("SELECT current_setting('shared_preload_libraries')")
    if patient.one("SELECT to_regnamespace('cron') IS NULL"):
        if patient.one("SELECT current_setting('cron.database_name', true) = current_database()"):
            yield Finding(
                "pg_cron",
                "warn",
                "it is preloaded for this database, but the extension is missing: only sidecars "
                "run jobs",
                "CREATE EXTENSION pg_cron; SELECT jikan_sync.install_jobs();",
            )
        else:
            yield Finding("pg_cron", "ok", "not used here: sidecars run the jobs")
        return
    if "pg_cron" not in preloaded:
        yield Finding(
            "pg_cron",
            "bad",
            "the extension is here, but shared_preload_libraries lacks pg_cron: nothing runs",
            "ALTER SYSTEM SET shared_preload_libraries = 'pg_cron'; then restart the server.",
        )
    if patient.one("SELECT to_regclass('jikan_sync.job') IS NULL"):
        return
    missing = [
        name
        for (name,) in patient.rows(
            "SELECT j.name FROM jikan_sync.job AS j WHERE j.enabled AND NOT EXISTS ("
            "SELECT FROM cron.job AS c JOIN pg_roles AS r ON r.rolname = c.username "
            "WHERE c.jobname = 'pgjikan:' || j.name AND c.active AND r.rolcanlogin "
            "AND c.database = current_database()) ORDER BY j.name"
        )
    ]
    gone = patient.rows(
        "SELECT c.username, count(*) FROM cron.job AS c WHERE c.jobname LIKE 'pgjikan:%' "
        "AND c.database = current_database() "
        "AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = c.username) "
        "GROUP BY c.username ORDER BY c.username"
    )
    for login, count in gone:
        yield Finding(
            "pg_cron",
            "warn",
            f"{count} entries belong to {login}, a login that is gone: they fail at each turn",
            "As a superuser: SELECT jikan_sync.install_jobs();",
        )
    if missing:
        yield Finding(
            "pg_cron",
            "warn",
            f"these jobs have no entry, so only sidecars run them: {', '.join(missing)}",
            "SELECT jikan_sync.install_jobs();",
        )
    elif not gone:
        yield Finding("pg_cron", "ok", "every enabled job has its entry")


def check_roles(patient: Patient) -> Iterator[Finding]:
    """Whether our three roles exist and nobody logs in as one."""
    can_login = dict(
        patient.rows(
            "SELECT rolname, rolcanlogin OR rolsuper FROM pg_roles WHERE rolname = ANY (%s)",
            list(ROLES),
        )
    )
    for name in ROLES:
        if name not in can_login:
            yield Finding("roles", "bad", f"role {name} is missing", f"CREATE ROLE {name} NOLOGIN;")
        elif can_login[name]:
            yield Finding(
                "roles",
                "warn",
                f"{name} can log in or is a superuser: it should only be granted to logins",
                f"ALTER ROLE {name} NOLOGIN NOSUPERUSER;",
            )
    if can_login == dict.fromkeys(ROLES, False):
        yield Finding("roles", "ok", ", ".join(ROLES))


def check_migrations(patient: Patient) -> Iterator[Finding]:
    """Whether what is deployed is what the plan and its scripts say."""
    try:
        status = migrations.status(patient.dsn)
    except migrations.NotDeployedError as error:
        yield Finding("schema", "bad", str(error), "pgjikan deploy")
        return
    except PgjikanError as error:
        yield Finding("schema", "bad", str(error), error.hint)
        return
    if status.pending:
        yield Finding(
            "schema", "bad", f"{len(status.pending)} changes are not deployed", "pgjikan deploy"
        )
    if status.drifted:
        shown = ", ".join(status.drifted[:5]) + (" …" if len(status.drifted) > 5 else "")
        yield Finding(
            "schema",
            "bad",
            f"the scripts of {len(status.drifted)} deployed changes were edited since: {shown}",
            "pgjikan status tells which; rework them, or revert and deploy.",
        )
    if status.is_current:
        yield Finding("schema", "ok", f"{status.deployed_count} changes, as the plan says")


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


CHECKS: tuple[Check, ...] = (check_extensions, check_roles, check_migrations, check_cron)
