"""`pgjikan up`, as a newcomer types it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
import pytest
import requests

from pgjikan.cli.up import API_PORT
from pgjikan.server import EmbeddedServer
from tests.conftest import Simulate


def test_what_it_prints_works_at_once_and_ctrl_c_ends_it(folder: Path, simulate: Simulate) -> None:
    with simulate() as upstream:
        process = subprocess.Popen(
            [
                Path(sys.executable).parent / "pgjikan",
                "up",
                "--api-port",
                "0",
                "--data-dir",
                folder / "data",
            ],
            env=os.environ | {"PGJIKAN_JIKAN_URL": upstream.url},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        said: dict[str, str] = {}
        try:
            for line in process.stdout:
                key, colon, value = line.strip().partition(": ")
                if colon:
                    said[key] = value
                if key == "try":
                    break
            assert list(said) == ["api", "server", "starter catalogue", "connect", "app", "try"]
            dsn = said["connect"].removeprefix("psql '").removesuffix("'")
            with psycopg.connect(dsn) as connection:
                rows = connection.execute(said["try"].strip()).fetchall()
                similar = connection.execute("SELECT title FROM anime.similar(5680)").fetchall()
            app = said["app"].strip().removeprefix("DATABASE_URL='").removesuffix("'")
            with psycopg.connect(app, autocommit=True) as connection:
                assert connection.execute("SELECT current_user").fetchone() == ("anime_app",)
                assert connection.execute(said["try"].strip()).fetchall() == rows
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute("SELECT FROM jikan.anime")
            answer = requests.get(f"{said['api']}/anime", {"q": "naruto"}, timeout=30).json()
        finally:
            process.send_signal(signal.SIGINT)
            log = process.communicate(timeout=60)[0]
        assert rows[0][1] == answer["data"][0]["title"] == "NARUTO"
        assert len(similar) == 10, "the starter catalogue is recommendable before it says so"
        assert process.returncode == 0, log
        assert "embedding_completed" not in log, "nothing pushes off the screen how to connect"


def start_up(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-c", "from pgjikan.cli import main; main()"),
            *("up", "--no-starter", "--data-dir", str(folder)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)


@pytest.mark.parametrize("moment", ["the server starts", "the schema is deployed"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_before_it_is_up_it_stops_the_server(
    stopped: EmbeddedServer, number: signal.Signals, moment: str
) -> None:
    def is_there() -> bool:
        if moment == "the server starts":
            return (stopped.cluster / "postmaster.pid").exists()
        return stopped.is_running() and has_registry(stopped)

    process = start_up(stopped.data_dir)
    try:
        wait_for(is_there, process)
    finally:
        process.send_signal(number)
        said = process.communicate(timeout=60)[0]
    assert process.returncode not in (0, -number), said
    assert not stopped.is_running(), said


def has_registry(server: EmbeddedServer) -> bool:
    try:
        with psycopg.connect(server.dsn()) as connection:
            row = connection.execute("SELECT to_regclass('sqitch.changes') IS NOT NULL").fetchone()
    except (psycopg.OperationalError, UnicodeError):
        return False  # still starting, or its socket is not written down yet
    return row == (True,)


def test_a_server_that_ran_before_stays(stopped: EmbeddedServer) -> None:
    stopped.start()
    process = start_up(stopped.data_dir)
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("try: "):
            break
    second = start_up(stopped.data_dir)
    refused = second.communicate(timeout=60)[0]
    process.send_signal(signal.SIGINT)
    said += process.communicate(timeout=60)[0]
    assert process.returncode == 0, said
    assert "server: ran before this, and stays when it ends" in said
    assert stopped.is_running()
    steps = [said.index(f"\n{step}") for step in ("starting PostgreSQL", "deploying the schema")]
    assert 0 < steps[0] < steps[1] < said.index("\nserver: "), "no step is silent"
    url = said.split()[said.split().index("api:") + 1]
    assert second.returncode == 1
    assert refused.startswith(
        f"error: `pgjikan up` runs here already: process {process.pid}, api {url}, data in "
    )
    assert "--data-dir of its own" in refused


def test_a_folder_that_cannot_be_used_is_named(folder: Path) -> None:
    (folder / "up").mkdir()
    process = start_up(folder)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert said.startswith(f"error: The folder {folder} cannot be used")


def test_it_is_said_that_the_usual_port_is_taken(stopped: EmbeddedServer) -> None:
    with ExitStack() as stack:
        with suppress(OSError):  # somebody else has it, which is as good
            stack.enter_context(socket.create_server(("127.0.0.1", API_PORT)))
        process = start_up(stopped.data_dir)
        assert process.stdout is not None
        first, second = process.stdout.readline(), process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert first.startswith("api: http://127.0.0.1:")
    assert second == f"port {API_PORT} is another program's; --api-port chooses\n"
