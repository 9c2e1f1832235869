"""What only the full server has: stock sqitch, pg_cron, plpython3u, pgTAP, plpgsql_check."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def full_server() -> None:
    """Without the full server these tests fail rather than skip."""
    if "PGJIKAN_TEST_DSN" not in os.environ:
        pytest.fail("tests marked `full` run with: make test-full")


@pytest.fixture
def sqitch() -> Callable[..., str]:
    """Run stock sqitch on a database: `sqitch(conninfo, "deploy", …)`; answers what it said."""

    def run(conninfo: str, *words: str) -> str:
        parts = conninfo_to_dict(conninfo)
        host, port, dbname = parts["host"], parts["port"], quote(str(parts["dbname"]))
        result = subprocess.run(
            [os.environ["PGJIKAN_SQITCH"], words[0], f"db:pg://{host}:{port}/{dbname}", *words[1:]],
            cwd=ROOT,
            env=os.environ
            | {
                "PGUSER": str(parts["user"]),
                "PGPASSWORD": str(parts["password"]),
                "SQITCH_FULLNAME": "Test",
                "SQITCH_EMAIL": "test@pgjikan.example",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    return run


@pytest.fixture
def cron(server: Any) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's connection to the one database that pg_cron serves."""
    with psycopg.connect(server.conninfo("pgjikan_cron"), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_cron")
        yield connection
        connection.execute("SELECT cron.unschedule(jobid) FROM cron.job")
        connection.execute("DROP EXTENSION pg_cron")
