"""Whether the schema in the database is the one that this package was made for."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from pgjikan import migrations
from pgjikan.db import Connection, deployed_changes
from pgjikan.errors import PgjikanError

log = structlog.get_logger()

#: Names in one message.
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Difference:
    """What the database has otherwise than the package, as names of changes."""

    missing: list[str]
    unknown: list[str]
    edited: list[str]


def compare(deployed: list[tuple[str, str, str | None]]) -> Difference:
    """Hold (id, name, hash of the script) of the deployed changes against the package's plan."""
    planned = {change.id: change for change in migrations.own_plan().changes}
    found = {change_id for change_id, _, _ in deployed}
    return Difference(
        missing=[change.title for change in planned.values() if change.id not in found],
        unknown=[name for change_id, name, _ in deployed if change_id not in planned],
        edited=[
            name
            for change_id, name, script_hash in deployed
            if change_id in planned and planned[change_id].script_hash != script_hash
        ],
    )


def require_schema(connection: Connection, *, schema: str = "jikan_sync") -> None:
    """Stop where the database lacks changes; warn where it has others.

    `schema` is where the login may ask: jikan_sync for a sidecar, anime for an app or a gateway.
    A newer database is no reason to stop: it is upgraded before what works on it.
    Raises PgjikanError with the command that mends it.
    """
    deployed = deployed_changes(connection, schema=schema)
    if not deployed:
        log.warning(
            "schema_unknown",
            hint="The registry of migrations is not ours to read: pgjikan status, as who deploys.",
        )
        return
    found = compare(deployed)
    if found.unknown:
        log.warning(
            "schema_differs",
            unknown=found.unknown,
            missing=found.missing,
            hint="The database was deployed by another pgjikan, probably a newer one: "
            "pip install --upgrade pgjikan",
        )
    elif found.missing:
        raise PgjikanError(
            f"the database lacks {len(found.missing)} changes of this pgjikan: "
            f"{_some(found.missing)}",
            hint="pgjikan deploy",
        )
    if found.edited:
        log.warning(
            "schema_differs",
            edited=found.edited,
            hint="These were deployed from other scripts: pgjikan deploy says what to do.",
        )


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
