"""A gateway looks at the schema before it listens, and says what mends it."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgjikan import migrations
from pgjikan.cli.serve import check
from pgjikan.errors import PgjikanError

Connection = psycopg.Connection[Any]


def command(dsn: str) -> list[str]:
    program = "from pgjikan.cli import main; main()"
    return [sys.executable, "-c", program, "serve", "--port", "0", "--dsn", dsn]


def lose_the_last_change(connection: Connection) -> str:
    change = migrations.own_plan().changes[-1]
    connection.execute("DELETE FROM sqitch.changes WHERE change_id = %s", [change.id])
    return change.title


def test_a_schema_that_lacks_a_change_stops_it(database: str, connection: Connection) -> None:
    missing = lose_the_last_change(connection)
    done = subprocess.run(command(database), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"lacks 1 changes of this pgjikan: {missing}" in done.stderr
    assert "pgjikan deploy" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_newer_schema_is_told_and_served(database: str, connection: Connection) -> None:
    connection.execute(
        "UPDATE sqitch.changes SET change_id = 'later' WHERE change_id = %s",
        [migrations.own_plan().changes[-1].id],
    )
    with subprocess.Popen(command(database), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        assert requests.get(lines[1].split()[1] + "/anime", timeout=20).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    warning = json.loads(lines[0])
    assert (warning["event"], warning["level"]) == ("schema_differs", "warning")
    assert "pip install --upgrade pgjikan" in warning["hint"]
    assert lines[1].startswith("gateway: http://127.0.0.1:")


def test_no_schema_at_all(empty_database: str) -> None:
    with pytest.raises(PgjikanError, match="not deployed") as raised:
        check(empty_database)
    assert raised.value.hint == "pgjikan deploy"


def test_an_apps_login_may_look_and_a_strangers_may_not(
    database: str, connection: Connection
) -> None:
    name = f"{connection.info.dbname}_app"
    login = sql.Identifier(name)
    connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'").format(login))
    try:
        dsn = make_conninfo(database, user=name, password="secret")
        with pytest.raises(PgjikanError, match="may not call") as raised:
            check(dsn)
        assert "GRANT anime_reader" in str(raised.value.hint)
        connection.execute(sql.SQL("GRANT anime_reader TO {}").format(login))
        check(dsn)
        lose_the_last_change(connection)
        with pytest.raises(PgjikanError, match="lacks 1 changes"):
            check(dsn)
    finally:
        connection.execute(sql.SQL("DROP OWNED BY {}; DROP ROLE {}").format(login, login))


def test_no_more_connections_than_files(database: str) -> None:
    """A process that has none left for its database answers nobody."""

    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (150, 200))

    with subprocess.Popen(
        command(database), stdout=subprocess.PIPE, text=True, preexec_fn=few
    ) as process:
        assert process.stdout is not None
        url = urlsplit(process.stdout.readline().split()[1])
        held = [socket.create_connection((url.hostname, url.port), timeout=10) for _ in range(250)]
        closed = 0
        for connection in held:
            connection.settimeout(0.01)
            try:
                closed += connection.recv(1) == b""
            except TimeoutError:
                pass
            except ConnectionResetError:
                closed += 1
        for connection in held:
            connection.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    # The soft limit was raised to the hard one, and some are left for the rest.
    assert 150 <= closed < 250 - 50


def test_a_gateway_on_a_thread_may_have_as_many_files_as_the_system_allows(
    serve: Callable[..., str],
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1000), hard))
    try:
        assert requests.get(f"{serve()}/healthz", timeout=20).status_code == 200
        now = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert now > 1000 or hard <= 1000


def test_a_process_that_died_counts_no_more(database: str, tmp_path: Path) -> None:
    with subprocess.Popen(
        [*command(database), "--workers", "2"],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        url = process.stdout.readline().split()[1].removesuffix("/v4")

        def live() -> set[int]:
            """The processes that have a live gauge."""
            found = tmp_path.glob("pgjikan-metrics-*/gauge_livesum_*.db")
            return {int(file.stem.rpartition("_")[2]) for file in found}

        def until(condition: Callable[[], bool]) -> None:
            deadline = time.monotonic() + 60
            while not condition():
                assert time.monotonic() < deadline
                with contextlib.suppress(requests.ConnectionError):
                    requests.get(f"{url}/metrics", timeout=20)

        until(lambda: len(live()) == 2)
        dead = min(live())
        os.kill(dead, signal.SIGKILL)
        until(lambda: len(live() - {dead}) == 2)
        until(lambda: dead not in live())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_a_trusted_proxy_is_an_address(database: str) -> None:
    told = subprocess.run(
        [*command(database), "--trusted-proxy", "127.0.0.1, my-proxy"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (told.returncode, told.stdout) == (2, "")
    assert "--trusted-proxy" in told.stderr
    assert "my-proxy" in told.stderr
    assert "10.0.0.0/8" in told.stderr
