"""`pgjikan up`, as a newcomer types it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg

from pgjikan.simulator import Simulator


def test_what_it_prints_works_at_once_and_ctrl_c_ends_it(folder: Path) -> None:
    with Simulator() as upstream:
        process = subprocess.Popen(
            [Path(sys.executable).parent / "pgjikan", "up", "--data-dir", folder / "data"],
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
            assert list(said) == ["server", "starter catalogue", "connect", "try"]
            dsn = said["connect"].removeprefix("psql '").removesuffix("'")
            with psycopg.connect(dsn) as connection:
                rows = connection.execute(said["try"].strip()).fetchall()
                similar = connection.execute("SELECT title FROM anime.similar(5680)").fetchall()
        finally:
            process.send_signal(signal.SIGINT)
            log = process.communicate(timeout=60)[0]
        assert rows[0][1] == "NARUTO"
        assert len(similar) == 10, "the starter catalogue is recommendable before it says so"
        assert process.returncode == 0, log
        assert "embedding_completed" not in log, "nothing pushes off the screen how to connect"
