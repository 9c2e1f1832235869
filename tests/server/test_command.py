"""`pgjikan server` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
from typer.testing import CliRunner

from pgjikan.cli.server import app


def test_life_of_a_server(made: Path) -> None:
    def run(*words: str, exit_code: int = 0) -> str:
        result = CliRunner().invoke(app, [*words, "--data-dir", str(made)])
        assert result.exit_code == exit_code, result.output
        return result.output.strip()

    assert run("status", exit_code=3).startswith("not running")
    printed = run("start")
    try:
        assert run("start") == printed
        assert run("dsn") == printed
        facts = json.loads(run("status", "--json"))
        assert facts["running"] is True
        assert facts["port"] is None
        with psycopg.connect(printed) as connection:
            row = connection.execute("SELECT pg_catalog.current_database()").fetchone()
        assert row == ("pgjikan",)
    finally:
        run("stop")
    run("stop")
    assert run("status", exit_code=3).startswith("not running")
