"""`pgjikan up` that is killed at any moment of its way: the same command goes on to the same end.

PGJIKAN_TEST_KILLS sets at how many moments (3; the full measure is 60).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pgjikan import migrations
from pgjikan.server import EmbeddedServer
from tests.catalogue.test_changes import dump

KILLS = int(os.environ.get("PGJIKAN_TEST_KILLS", "3"))
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def start_up(data: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-c", "from pgjikan.command import main; main()"),
            *("up", "--no-starter", "--api-port", "0", "--data-dir", str(data)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_to_the_end(data: Path) -> tuple[float, str]:
    """Seconds until it says that it is up, and what the database is then."""
    started = time.monotonic()
    process = start_up(data)
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("try: "):
                break
        seconds = time.monotonic() - started
        assert "try: " in said, said
        dsn = EmbeddedServer(data).dsn(dbname="pgjikan")
        assert migrations.status(dsn).is_current, said
        catalogue = dump(dsn)
    finally:
        process.send_signal(signal.SIGINT)
        said += process.communicate(timeout=60)[0]
    assert process.returncode == 0, said
    return seconds, catalogue


def killed(data: Path, kill: signal.Signals, seconds: float) -> str:
    """What it said until it was killed, so many seconds after its start or, if it is up by then,
    as many sooner as it takes."""
    while True:
        process = start_up(data)
        time.sleep(seconds)
        process.send_signal(kill)
        said = process.communicate(timeout=60)[0]
        if "try: " not in said:
            return said
        EmbeddedServer(data).stop("immediate")
        shutil.rmtree(data)
        seconds *= 0.7


@pytest.mark.timeout(60 + 60 * KILLS)
def test_killed_at_any_moment_it_goes_on(folder: Path) -> None:
    run_to_the_end(folder / "cold")
    whole, catalogue = run_to_the_end(folder / "whole")
    for number in range(KILLS):
        data, kill = folder / f"data-{number}", SIGNALS[number % len(SIGNALS)]
        said = killed(data, kill, whole * (number + 0.5) / KILLS)
        server = EmbeddedServer(data)
        try:
            # Before the first line of ours Python itself says how it was interrupted.
            assert "Traceback" not in said or "pgjikan/" not in said, said
            if kill is not signal.SIGKILL:  # that one could not stop what it started
                assert not server.is_running(), said
            assert run_to_the_end(data)[1] == catalogue, said
        finally:
            server.stop("immediate")
        shutil.rmtree(data)
