"""How long until a new title is recommended: from its COMMIT to its first row in `anime.similar`.

A real sidecar lane with the local model serves a throw-away server, woken by NOTIFY. One title at a
time is stored as a user's search would store it (high), and `anime.similar` of a title with nearly
the same text is asked until the new one appears. Beside it, two designs that other projects use, on
the same lane: poll every 10 seconds, and a nightly batch (reckoned, not waited for).

    python bench/latency.py                # 200 titles by NOTIFY, 10 by polling
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT / "sidecar")  # and not this folder, whose queue.py is not Python's

# ruff: noqa: E402
import argparse
import atexit
import json
import logging
import random
import shutil
import tempfile
import time
from threading import Event
from typing import Any

import numpy as np
import psycopg
import structlog

from pgjikan import db, migrations
from pgjikan.embedding_lane import EmbeddingLane
from pgjikan.listener import Listener
from pgjikan.server import EmbeddedServer
from pgjikan.settings import read_settings
from pgjikan.worker import Worker

STORY = "A quiet librarian finds a door to a city of clockwork birds, and must mend its great clock"
WORDS = [
    "amber",
    "birch",
    "cedar",
    "dune",
    "ember",
    "fjord",
    "grove",
    "haze",
    "iris",
    "jade",
    "kelp",
    "lark",
    "moss",
    "nova",
    "opal",
]


def store(connection: psycopg.Connection[Any], mal_id: int, title: str) -> None:
    document = {"mal_id": mal_id, "title": title, "synopsis": f"{STORY} of {title}."}
    with connection.transaction():
        connection.execute("SELECT set_config('pgjikan.embed_priority', 'high', true)")
        connection.execute("SELECT jikan_sync.store_anime(%s::jsonb)", [json.dumps([document])])


def wait_for(connection: psycopg.Connection[Any], mal_id: int, limit: float) -> float:
    """Milliseconds from now until `mal_id` is among the titles like the first."""
    start = time.perf_counter()
    while time.perf_counter() - start < limit:
        found = connection.execute(
            "SELECT FROM anime.similar(1, 100, with_franchise => true) AS s WHERE s.mal_id = %s",
            [mal_id],
        ).fetchone()
        if found is not None:
            return (time.perf_counter() - start) * 1000
        time.sleep(0.001)
    raise SystemExit(f"title {mal_id} was not recommended within {limit} s")


def series(
    dsn: str, first_id: int, count: int, *, notify: bool, poll_seconds: float
) -> list[float]:
    """Latencies of `count` titles; without notify the lane only polls."""
    stop = Event()
    lane = EmbeddingLane(db.connector(dsn, "bench lane"), read_settings(), stop, "bench")
    worker = Worker(lane, stop=stop, poll_seconds=poll_seconds)
    threads: list[Any] = [worker]
    if notify:
        threads.append(Listener(db.connector(dsn, "bench listener"), wake=[worker.wake], stop=stop))
    for thread in threads:
        thread.start()
    spent = []
    rng = random.Random(first_id)
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            for number in range(count + 1):
                mal_id = first_id + number
                store(connection, mal_id, " ".join(rng.sample(WORDS, 4)) + f" {mal_id}x")
                taken = wait_for(connection, mal_id, 60)
                if number:  # the first one loads the model
                    spent.append(taken)
                # Titles come when they come, not in step with a poll.
                time.sleep(rng.uniform(0, min(poll_seconds, 10)) if not notify else 0.02)
                connection.execute("DELETE FROM jikan.anime WHERE mal_id = %s", [mal_id])
    finally:
        stop.set()
        worker.wake.set()
        for thread in threads:
            thread.join()
    return spent


def report(name: str, spent: list[float]) -> None:
    p50, p99 = np.percentile(spent, [50, 99])
    print(f"{name:34}{len(spent):6}{p50:12.1f}{p99:12.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--polled", type=int, default=10)
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-bench-"))
    folder.chmod(0o755)  # as root the server runs under its own account
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with EmbeddedServer(folder / "data") as server:  # with fsync, as in production
        migrations.deploy(server.dsn())
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            store(connection, 1, "the first")
        print(f"{'from COMMIT to anime.similar':34}{'titles':>6}{'p50 ms':>12}{'p99 ms':>12}")
        by_notify = series(server.dsn(), 1000, arguments.samples, notify=True, poll_seconds=5)
        report("NOTIFY, high lane (pgjikan)", by_notify)
        by_poll = series(server.dsn(), 5000, arguments.polled, notify=False, poll_seconds=10)
        report("poll every 10 s", by_poll)
        nightly = [random.Random(seed).uniform(0, 86_400_000) for seed in range(1000)]
        # A title comes at any time of the day.
        report("nightly at 02:00 (reckoned)", nightly)


if __name__ == "__main__":
    main()
