"""A sidecar tells at its start when the schema is not the one that it was made for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgjikan import migrations, schema
from pgjikan.errors import PgjikanError

Connection = psycopg.Connection[Any]
Start = Callable[[], tuple[int, list[dict[str, Any]], str]]


@pytest.fixture
def login(connection: Connection, database: str) -> Iterator[Callable[[str], str]]:
    """Make a login that has one of our roles and nothing else; answers its address."""
    made: list[sql.Identifier] = []

    def make(role: str) -> str:
        name = f"{connection.info.dbname}_{role}"
        made.append(sql.Identifier(name))
        query = sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret' IN ROLE {}")
        connection.execute(query.format(made[-1], sql.Identifier(role)))
        return make_conninfo(database, user=name, password="secret")

    yield make
    for name in made:
        connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
        connection.execute(sql.SQL("DROP ROLE {}").format(name))


@pytest.fixture
def start(login: Callable[[str], str]) -> Start:
    """Run `pgjikan sidecar --once` as a sidecar's login: exit code, log lines, error."""
    address = login("jikan_sidecar")

    def run() -> tuple[int, list[dict[str, Any]], str]:
        done = subprocess.run(
            [
                *(sys.executable, "-c", "from pgjikan.cli import main; main()"),
                *("sidecar", "--once", "--lane", "jikan"),
            ],
            env={**os.environ, "DATABASE_URL": address},
            capture_output=True,
            text=True,
            timeout=60,
        )
        events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return done.returncode, events, done.stderr

    return run


def told(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["event"].startswith("schema_")]


def test_the_right_schema_is_no_matter(start: Start) -> None:
    code, events, error = start()
    assert (code, told(events)) == (0, []), error


def test_an_older_database_stops_it(start: Start, connection: Connection) -> None:
    last = migrations.own_plan().changes[-1]
    connection.execute("DELETE FROM sqitch.changes WHERE change_id = %s", [last.id])
    code, _, error = start()
    assert code == 1
    assert f"the database lacks 1 changes of this pgjikan: {last.name}" in error
    assert "hint:  pgjikan deploy\n" in error
    connection.execute("DROP FUNCTION anime.deployed_changes, jikan_sync.deployed_changes")
    code, _, error = start()
    assert (code, "hint:  pgjikan deploy\n" in error) == (1, True)


def test_an_edited_script_is_told(start: Start, connection: Connection) -> None:
    connection.execute(
        "UPDATE sqitch.changes SET script_hash = 'other' WHERE change = 'schema/anime'"
    )
    code, events, error = start()
    assert code == 0, error
    (warning,) = told(events)
    assert (warning["level"], warning["edited"]) == ("warning", ["schema/anime"])
    assert "pgjikan deploy" in warning["hint"]


def test_a_newer_database_is_told_and_worked_on(start: Start, connection: Connection) -> None:
    connection.execute(
        "UPDATE sqitch.changes SET change_id = 'later' WHERE change_id = %s",
        [migrations.own_plan().changes[-1].id],
    )
    code, events, error = start()
    assert code == 0, error
    (warning,) = told(events)
    assert (warning["level"], len(warning["unknown"])) == ("warning", 1)
    assert "pip install --upgrade pgjikan" in warning["hint"]


def test_a_registry_of_somebody_else_is_not_asked(
    empty_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither that of a stranger, who could run code as who reads it, nor one out of reach."""
    with psycopg.connect(empty_database, autocommit=True) as connection:
        stranger = sql.Identifier(f"{connection.info.dbname}_stranger")
        connection.execute(sql.SQL("CREATE ROLE {}").format(stranger))
        connection.execute(sql.SQL("CREATE SCHEMA trap AUTHORIZATION {}").format(stranger))
        connection.execute(
            "CREATE TABLE trap.changes (project text DEFAULT 'pgjikan', change_id text,"
            " change text DEFAULT 'trap', script_hash text, committed_at timestamptz"
            " DEFAULT 'infinity'); INSERT INTO trap.changes (change_id) VALUES ('trap')"
        )
        connection.execute(sql.SQL("ALTER TABLE trap.changes OWNER TO {}").format(stranger))
        migrations.deploy(empty_database, verify=False)
        schema.require_schema(connection)
        assert "schema_" not in capsys.readouterr().out
        owned = "SELECT change FROM jikan_sync.deployed_changes() WHERE change = 'trap'"
        assert connection.execute(owned).fetchall() == []
        migrations.revert(empty_database, to="schema/dashboard")
        connection.execute(sql.SQL("ALTER SCHEMA sqitch OWNER TO {}").format(stranger))
        migrations.deploy(empty_database, verify=True)
        schema.require_schema(connection)
        assert "schema_unknown" in capsys.readouterr().out
        connection.execute("ALTER SCHEMA sqitch OWNER TO CURRENT_USER")
        connection.execute(sql.SQL("DROP OWNED BY {}").format(stranger))
        connection.execute(sql.SQL("DROP ROLE {}").format(stranger))


def test_a_gateway_may_ask_too(login: Callable[[str], str], connection: Connection) -> None:
    with psycopg.connect(login("anime_reader"), autocommit=True) as reader:
        schema.require_schema(reader, schema="anime")
        connection.execute(
            "DELETE FROM sqitch.changes WHERE change_id = %s",
            [migrations.own_plan().changes[-1].id],
        )
        with pytest.raises(PgjikanError, match="lacks 1 changes"):
            schema.require_schema(reader, schema="anime")
