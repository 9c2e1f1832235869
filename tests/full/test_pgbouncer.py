"""Through a pooler that lends sessions by transaction: everything works, or says what it needs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgjikan import migrations
from pgjikan.errors import PgjikanError
from pgjikan.metrics import find_fault
from pgjikan.simulator import Simulator
from tests.conftest import Simulate
from tests.store.documents import full
from tests.store.test_store_anime import value

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]

TITLES = [full(number, title=f"Title number {number}", relations=[]) for number in range(1, 18)]


@dataclass(frozen=True)
class Pooler:
    """A PgBouncer before the test's server."""

    server: str
    port: int

    @property
    def dsn(self) -> str:
        """The test's database, through it."""
        return make_conninfo(self.server, host="127.0.0.1", port=self.port)


@pytest.fixture(params=["", "max_prepared_statements = 0"], ids=["as it comes", "no statements"])
def pooler(request: pytest.FixtureRequest, database: str) -> Iterator[Pooler]:
    """PgBouncer in transaction mode with three sessions, so that they change hands."""
    parts = conninfo_to_dict(database)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-pooler-"))
    folder.chmod(0o755)
    (folder / "users").write_text(f'"{parts["user"]}" "{parts["password"]}"\n')
    (folder / "pooler.ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={parts['port']}\n[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
        f"auth_file = {folder}/users\npool_mode = transaction\ndefault_pool_size = 3\n"
        f"{request.param}\n"
    )
    root = os.environ["PGJIKAN_TRIXIE_ROOT"]
    command = ["chroot", root, *("runuser", "-u", "postgres", "--", "/usr/sbin/pgbouncer")]
    with subprocess.Popen(
        [*command, str(folder / "pooler.ini")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        pooler = Pooler(database, port)
        try:
            wait_until(lambda: process.poll() is not None or answers(pooler.dsn))
            assert process.poll() is None, process.communicate()[0]
            yield pooler
        finally:
            process.terminate()
    shutil.rmtree(folder)


def answers(dsn: str) -> bool:
    try:
        psycopg.connect(dsn).close()
    except psycopg.OperationalError:
        return False
    return True


def wait_until(condition: Callable[[], Any], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def upstream(connection: psycopg.Connection[Any], simulate: Simulate) -> Iterator[Simulator]:
    with simulate(TITLES) as simulator:
        connection.execute(
            "UPDATE jikan_sync.provider SET base_url = %s, per_second = NULL, per_minute = NULL"
            " WHERE enabled",
            [simulator.url],
        )
        yield simulator


def run(pooler: Pooler, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from pgjikan.cli import main; main()", *words],
        env={**os.environ, "DATABASE_URL": pooler.dsn, **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_load_sidecar_and_commands(
    pooler: Pooler, connection: psycopg.Connection[Any], upstream: Simulator, tmp_path: Path
) -> None:
    documents = tmp_path / "titles.jsonl"
    documents.write_text("".join(f"{json.dumps(title)}\n" for title in TITLES[:5]))
    done = run(pooler, "load", str(documents))
    assert done.stdout.strip() == "5 new, 0 updated, 0 unchanged, 0 rejected", done.stderr
    # Far more tasks than statements are prepared after, in both lanes.
    connection.execute("SELECT jikan_sync.sync_titles(ARRAY(SELECT generate_series(6, 17)))")
    connection.execute(
        "UPDATE jikan_sync.setting SET value = 'immediate' WHERE name = 'embedding_low_priority'"
    )
    done = run(pooler, "sidecar", "--once")
    assert done.returncode == 0, done.stdout + done.stderr
    assert value(connection, "SELECT count(*) FROM jikan.anime WHERE synopsis IS NOT NULL") == 17
    for command in (
        "search title",
        "get 5",
        "similar 5",
        "health --json",
        "queue status",
        "job list",
        "provider list",
        "embeddings status",
        "status --check",
        "sync anime 7",
    ):
        done = run(pooler, *command.split())
        assert done.returncode == 0 or command.startswith("health"), (command, done.stderr)
        assert not done.stderr.strip(), command
    done = run(pooler, "doctor", "--offline")
    assert "bad" not in done.stdout and "Traceback" not in done.stderr, done.stdout
    assert find_fault(pooler.dsn) is None


def test_a_long_running_sidecar_polls_or_listens_at_the_servers_own_address(
    pooler: Pooler, connection: psycopg.Connection[Any], upstream: Simulator
) -> None:
    for number, direct in enumerate(({}, {"PGJIKAN_LISTEN_DSN": pooler.server})):
        process = subprocess.Popen(
            [sys.executable, "-c", "from pgjikan.cli import main; main()", "sidecar"],
            env={
                **os.environ,
                "DATABASE_URL": pooler.dsn,
                "PGJIKAN_POLL_SECONDS": "600" if direct else "0.2",
                **direct,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            wait_until(lambda: value(connection, "SELECT count(*) FROM jikan_sync.worker"))
            if direct:
                wait_until(
                    lambda: value(
                        connection,
                        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%'"
                        " AND application_name = 'pgjikan listener'",
                    )
                )
            for mal_id in range(1 + 8 * number, 9 + 8 * number):
                connection.execute("SELECT anime.get(%s)", [mal_id])
                connection.execute("SELECT jikan_sync.sync_titles(ARRAY[%s::integer])", [mal_id])
            stored = "SELECT count(*) FROM jikan.anime WHERE synopsis IS NOT NULL"
            wait_until(lambda: value(connection, stored) == 8 * (number + 1))  # noqa: B023
        finally:
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=60)[0]
        assert process.returncode == 0, said
        assert ("listener_off" in said) == (not direct), said
        assert "database_lost" not in said


def test_nothing_of_ours_stays_in_a_lent_session(
    pooler: Pooler, connection: psycopg.Connection[Any], upstream: Simulator, tmp_path: Path
) -> None:
    """Others get it next: a limit, a lock or LISTEN of ours would be theirs."""
    documents = tmp_path / "titles.jsonl"
    documents.write_text(json.dumps(TITLES[0]))
    for words in (["load", str(documents)], ["sidecar", "--once"], ["status"], ["health"]):
        run(pooler, *words)
    for call in (migrations.deploy, migrations.verify, migrations.revert):
        with pytest.raises(PgjikanError, match="this address is a pooler's") as caught:
            call(pooler.dsn)
        assert "the server's own address" in str(caught.value.hint)
    sessions = [psycopg.connect(pooler.dsn) for _ in range(3)]  # each in a transaction of its own
    for session in sessions:
        rows = session.execute(
            "SELECT name, setting FROM pg_settings WHERE source = 'session'"
            " AND name NOT IN ('client_encoding', 'application_name', 'DateStyle', 'TimeZone',"
            " 'standard_conforming_strings')"
        ).fetchall()
        assert rows == []
        assert session.execute("SELECT * FROM pg_listening_channels()").fetchall() == []
    for session in sessions:
        session.close()
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    assert value(connection, locks) == 0
