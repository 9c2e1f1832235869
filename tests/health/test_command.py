"""`pgjikan health`."""

from __future__ import annotations

import json
from typing import Any

import psycopg
from typer.testing import CliRunner

from pgjikan.cli import app


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["health", *arguments])


def test_it_exits_0_when_all_is_well(healthy: psycopg.Connection[Any], database: str) -> None:
    result = run("--dsn", database)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("ok")
    found = json.loads(run("--dsn", database, "--json").output)
    assert (found["state"], found["anime_count"]) == ("ok", 1)


def test_it_exits_1_and_says_why(healthy: psycopg.Connection[Any], database: str) -> None:
    healthy.execute("UPDATE jikan_sync.provider SET enabled = false")
    result = run("--dsn", database)
    assert result.exit_code == 1
    assert "no upstream is available" in result.output
