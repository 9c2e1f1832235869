"""Everything at once: readers, documents that change, tasks for the sidecars."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pgjikan.postgres_install import wheel_binaries

CLIENTS = 16
PER_SECOND = 20  # what the upstream allows
SIDECARS = 2
#: Each kind of read, and how often.
READS = {
    "SELECT * FROM anime.search('{text}', max_rows => 10);": 60,
    "SELECT anime.get({mal_id});": 20,
    "SELECT * FROM anime.search_semantic('{text}');": 5,
    "SELECT * FROM anime.similar({mal_id});": 10,
    "SELECT * FROM anime.recommend(ARRAY[{mal_id}]);": 5,
}
#: History is cut while it runs, embeddings are made at once, the clockwork runs each minute.
HURRY = """
UPDATE jikan_sync.setting AS s SET value = v.value
FROM (VALUES
    ('embedding_low_priority', 'immediate'), ('history_retention', '{retention} seconds')
) AS v (name, value) WHERE s.name = v.name;
UPDATE jikan_sync.job SET period = '1 minute', at = '0 seconds'
WHERE name IN ('purge_history', 'mark_stale', 'refresh_stale', 'sweep_leases');
UPDATE jikan_sync.provider SET base_url = '{url}', per_second = {per_second}, per_minute = NULL,
    per_day = NULL
WHERE enabled;
"""


def starter() -> list[dict[str, Any]]:
    packed = files("pgjikan").joinpath("starter.jsonl.gz").read_bytes()
    return [json.loads(line) for line in gzip.decompress(packed).splitlines()]


def scripts(titles: list[dict[str, Any]], folder: Path, dice: random.Random) -> list[str]:
    """A hundred scripts of pgbench: titles whole, in part and misspelt."""
    words: list[str] = []
    number = 0
    for statement, count in READS.items():
        for _ in range(count):
            title = dice.choice(titles)
            text = re.sub(r"[^\w ]", "", title["title"])
            cut = dice.randrange(len(text) or 1)
            text = dice.choice([text, text[: max(cut, 3)], text[:cut] + text[cut + 1 :]])
            script = folder / f"read{number}.sql"
            script.write_text(statement.format(text=text, mal_id=title["mal_id"]) + "\n")
            words += ["-f", str(script)]
            number += 1
    return words


def readers(
    socket: Path, port: int, dsn: str, folder: Path, words: list[str], seconds: float, rate: int
) -> subprocess.Popen[str]:
    """Clients on a schedule; what comes late counts from when it was due."""
    parts = conninfo_to_dict(dsn)
    return subprocess.Popen(
        [
            *(str(wheel_binaries() / "pgbench"), "-n", "-M", "prepared", "-P", "1"),
            *("-c", str(CLIENTS), "-j", "2", "-R", str(rate), "-T", str(round(seconds))),
            *("-l", "--log-prefix", str(folder / "latency"), "-h", str(socket), "-p", str(port)),
            *("-U", str(parts["user"]), *words, str(parts["dbname"])),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def sidecars(dsn: str, folder: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    environment = os.environ | {"DATABASE_URL": dsn, "PGJIKAN_TICK_SECONDS": "5"}
    program = "from pgjikan.cli import main; main()"
    processes = []
    try:
        for number in range(SIDECARS):
            with (folder / f"sidecar{number}.log").open("wb") as log:
                processes.append(
                    subprocess.Popen(
                        [sys.executable, "-c", program, "sidecar"],
                        env=environment,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                    )
                )
        yield processes
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(timeout=60)


class Writer(Thread):
    """A page of documents a second, each with another text to embed, and tasks for the upstream."""

    def __init__(self, dsn: str, titles: list[dict[str, Any]], dice: random.Random) -> None:
        super().__init__(name="writer", daemon=True)
        self.stored = 0
        self.failure: BaseException | None = None
        self._dsn, self._titles, self._dice = dsn, titles, dice
        self._stop_event = Event()

    def run(self) -> None:
        try:
            with psycopg.connect(self._dsn, autocommit=True) as connection:
                while not self._stop_event.wait(1):
                    page = [
                        title | {"synopsis": f"Another story, the {self._dice.random()}th."}
                        for title in self._dice.sample(self._titles, 25)
                    ]
                    connection.execute("SELECT jikan_sync.store_anime(%s)", [json.dumps(page)])
                    connection.execute(
                        "SELECT jikan_sync.enqueue_many('anime', %s)",
                        [[t["mal_id"] for t in self._dice.sample(self._titles, PER_SECOND // 4)]],
                    )
                    self.stored += len(page)
        except BaseException as error:
            self.failure = error

    def stop(self) -> None:
        self._stop_event.set()
        self.join()
