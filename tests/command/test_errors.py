"""An error says what happened and what to do, whatever command met it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from psycopg.conninfo import make_conninfo


def run(*arguments: str, dsn: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", "from pgjikan.cli import main; main()", *arguments],
        env={**os.environ, "DATABASE_URL": dsn, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "command", ["search naruto", "health", "queue status", "sidecar --once", "load --starter"]
)
def test_where_nothing_is_deployed(command: str, empty_database: str) -> None:
    status, said = run(*command.split(), dsn=empty_database)
    assert status == 1
    assert "error: pgjikan is not deployed in this database" in said
    assert "hint:  pgjikan deploy" in said
    assert "LINE 1" not in said


@pytest.mark.parametrize("command", ["health", "deploy"])
def test_where_nobody_listens(command: str) -> None:
    status, said = run(*command.split(), dsn="host=127.0.0.1 port=9 dbname=x")
    assert status == 1
    assert said.startswith("error: the database did not answer")
    assert "hint:  Check --dsn" in said


def test_what_the_server_refuses_comes_with_its_hint_and_without_its_context(
    database: str,
) -> None:
    status, said = run("job", "run", "nonsense", dsn=database)
    assert status == 1
    assert said == (
        "error: there is no job 'nonsense'\nhint:  SELECT name, description FROM jikan_sync.job;\n"
    )


@pytest.mark.parametrize(
    "command",
    [
        *("doctor", "embeddings status", "queue status", "status", "dashboard"),
        *("provider list", "provider test tenrai"),
    ],
)
def test_an_apps_login_is_told_apart(database: str, command: str) -> None:
    reader = make_conninfo(database, options="-c role=anime_reader")
    status, said = run(*command.split(), dsn=reader)
    assert status == 1
    assert said.startswith("error: anime_reader is an app's login")
    assert "--dsn, else of DATABASE_URL" in said
    assert "GRANT" not in said


def test_a_login_that_may_not(database: str) -> None:
    reader = make_conninfo(database, options="-c role=jikan_sidecar")
    status, said = run("queue", "status", dsn=reader)
    assert status == 1
    assert said.startswith("error: this login may not do that: permission denied")
    assert "grant it jikan_owner" in said


@pytest.mark.parametrize("arguments", [["serch"], ["search"], ["health", "--nonsense"]])
def test_a_wrong_word_is_usage(arguments: list[str]) -> None:
    status, said = run(*arguments, dsn="")
    assert status == 2
    assert "Usage" in said


def test_a_reader_who_has_had_enough_hears_no_complaint() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "from pgjikan import cli; print('a row'); cli._flush()"],
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()  # as `head` does
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 0, "and not 120, Python's word for a broken pipe"


@pytest.mark.parametrize(
    "command",
    ["similar", "get", "facet", "recommend", "sync anime", "recommend --disliked", "queue redrive"],
)
def test_a_number_that_no_column_holds_is_a_wrong_word(database: str, command: str) -> None:
    status, said = run(*command.split(), "9" * 30, dsn=database)
    assert status == 2
    assert "less than or equal to" in said
    assert "not deployed" not in said
