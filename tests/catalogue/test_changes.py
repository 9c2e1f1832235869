"""Every change has its three scripts, every script its change, and reverting leaves nothing."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import psycopg
import pytest

from pgjikan import migrations
from pgjikan.postgres_install import wheel_binaries
from tests.store.documents import full
from tests.store.test_store_anime import store

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {
    "Deploy": ROOT / "db",
    "Revert": ROOT / "db" / "revert",
    "Verify": ROOT / "db" / "verify",
}
KINDS = ("schema", "functions", "jobs")


def planned() -> set[str]:
    lines = (ROOT / "sqitch.plan").read_text().splitlines()
    return {line.split()[0] for line in lines if line and line[0] not in "%@#"}


def dump(conninfo: str) -> str:
    """Everything in the database but sqitch's own records, as SQL."""
    command = [wheel_binaries() / "pg_dump", "--schema-only", "--exclude-schema=sqitch"]
    # Without a fixed key every dump carries another one.
    command += ["--restrict-key=same", "--dbname", conninfo]
    dumped = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    # Newer servers (17.12) number each column they make; pg_dump of an older release tells that.
    return re.sub(r"pg_attver=\d+", "pg_attver=0", dumped)


def test_every_change_has_its_scripts_and_every_script_its_change() -> None:
    for folder in FOLDERS.values():
        scripts = {
            str(script.relative_to(folder).with_suffix(""))
            for kind in KINDS
            for script in (folder / kind).rglob("*.sql")
        }
        assert scripts == planned()


def test_every_script_names_its_change_first() -> None:
    for name in planned():
        for verb, folder in FOLDERS.items():
            preposition = "from" if verb == "Revert" else "to" if verb == "Deploy" else "on"
            with open(folder / f"{name}.sql") as script:
                assert script.readline() == f"-- {verb} pgjikan:{name} {preposition} pg\n"


def test_deploy_verify_revert_deploy_leaves_the_same_catalogue(empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:  # a revert lets extensions stay
        found = connection.execute(
            "SELECT name FROM pg_catalog.pg_available_extensions WHERE name = ANY (%s)",
            [["vector", "pg_trgm", "plpython3u"]],
        )
        for (extension,) in found.fetchall():
            connection.execute(f"CREATE EXTENSION {extension}")
    empty = dump(empty_database)
    migrations.deploy(empty_database, verify=True)
    deployed = dump(empty_database)
    assert migrations.verify(empty_database) == len(planned())
    assert migrations.deploy(empty_database) == 0
    migrations.revert(empty_database)
    assert dump(empty_database) == empty
    migrations.deploy(empty_database, verify=False)
    assert dump(empty_database) == deployed
    with psycopg.connect(empty_database) as connection:
        row = connection.execute("SELECT pg_catalog.count(*) FROM sqitch.changes").fetchone()
    assert row == (len(planned()),)


#: Changes that hold a facet, which one, and the data of one.
HELD = {
    "schema/episode": ("episodes", '[{"mal_id": 1, "title": "Asteroid Blues"}]'),
    "schema/recommendation": ("recommendations", '[{"entry": {"mal_id": 5}, "votes": 2}]'),
    "schema/facet_document": ("staff", '[{"person": {"mal_id": 1}, "positions": ["Director"]}]'),
}


@pytest.mark.parametrize("change", HELD)
def test_what_a_revert_deletes_is_not_called_fresh_after_a_deploy(
    change: str, database: str
) -> None:
    facet, data = HELD[change]
    age = "SELECT synced_at FROM jikan_sync.facet_synced_at(%s, 1) AS f (synced_at)"
    with psycopg.connect(database, autocommit=True) as connection:
        store(connection, [full(1)])
        connection.execute(
            "SELECT jikan_sync.store_facet(%s, 1, json_build_object('data', %s::json))",
            [facet, data],
        )
        assert connection.execute(age, [facet]).fetchone() != (None,)
    names = [planned.title for planned in migrations.own_plan().changes]
    migrations.revert(database, to=names[names.index(change) - 1])
    migrations.deploy(database, verify=False)
    with psycopg.connect(database) as connection:
        assert connection.execute(age, [facet]).fetchone() == (None,)
        assert connection.execute(age, ["core"]).fetchone() != (None,), "that stays"
