"""Two waits that nobody sees in a throughput: how soon a question goes out, and how soon a new
title is recommended.

1. From the COMMIT of a search that missed to its request's arrival at the upstream: a real sidecar
   process, the simulator in another, searches one by one at random moments, the provider's limits
   lifted (the limiter is not what is measured). Beside it the same lane without LISTEN, looking
   every second, and a pg_cron job every second that asks from inside the database; the latter on
   the server that docker/trixie-root.sh starts.
2. From the COMMIT of a title to its first row in `anime.similar`: a real lane with the local model,
   woken by NOTIFY. Titles come one at a time, as a user's search stores them (high), with a text so
   near to that of the title asked about that they must be found. Beside it, the same lane looking
   every 10 seconds, and a nightly batch (reckoned, not waited for).

    python bench/latency.py                             # 4 minutes
    docker/trixie-root.sh python bench/latency.py       # the same and pg_cron
"""

from __future__ import annotations

import argparse
import atexit
import json
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import parse_qs
from urllib.request import urlopen

import numpy as np
import psycopg
import structlog
from psycopg.conninfo import make_conninfo

from pgjikan import db, migrations
from pgjikan.embedding_lane import EmbeddingLane
from pgjikan.listener import Listener
from pgjikan.server import EmbeddedServer
from pgjikan.settings import read_settings
from pgjikan.worker import Worker

ROOT = Path(__file__).resolve().parent.parent
PGJIKAN = "from pgjikan.cli import main; main()"
POLLER = """
import sys
from threading import Event
from pgjikan import db
from pgjikan.jikan_lane import JikanLane
from pgjikan.settings import read_settings
from pgjikan.worker import Worker

stop = Event()
lane = JikanLane(db.connector(sys.argv[1], "pgjikan listener"), read_settings(), stop, "poller")
Worker(lane, stop=stop, poll_seconds=1).run()
"""
CRON = """
CREATE EXTENSION pg_cron;
CREATE EXTENSION plpython3u;
CREATE TABLE public.question (q text);
CREATE FUNCTION public.ask() RETURNS void LANGUAGE plpython3u AS $$
    import requests
    for row in plpy.execute("DELETE FROM public.question RETURNING q"):
        requests.get("{url}/anime", params=row, headers={{"User-Agent": "bench"}}, timeout=5)
$$;
SELECT cron.schedule('ask', '1 second', 'SELECT public.ask()');
"""
WARM = 10  # the first searches open connections and prepare statements
STORY = "A quiet librarian finds a door to a city of clockwork birds, and must mend its great clock"
WORDS = ["amber", "birch", "cedar", "dune", "ember", "fjord", "grove", "haze", "iris", "jade"]


@contextmanager
def process(
    *command: str, output: int = subprocess.DEVNULL, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """Run Python in another process."""
    started = subprocess.Popen(
        [sys.executable, "-c", *command],
        env=os.environ | {"PYTHONPATH": str(ROOT / "sidecar")} | environment,
        stdout=output,
        text=True,
    )
    try:
        yield started
    finally:
        started.terminate()
        started.wait(timeout=30)


@contextmanager
def simulator() -> Iterator[str]:
    with process(PGJIKAN, "simulator", "--port", "0", output=subprocess.PIPE) as running:
        assert running.stdout is not None
        yield running.stdout.readline().split()[0]


def ask(
    connection: psycopg.Connection[Any], statement: str, url: str, count: int, pause: float
) -> tuple[list[float], list[float]]:
    """Ask new questions; milliseconds to each one's arrival from sending and from ending COMMIT."""
    rng = random.Random(count)
    commits = {}
    for number in range(count + WARM):
        query = "".join(rng.choice("bdgklmnprst") + rng.choice("aeiou") for _ in range(6))
        query += f" {number}"
        with connection.transaction():
            connection.execute(statement, [query])  # type: ignore[arg-type]
            sent = time.time()
        commits[query] = (sent, time.time())
        time.sleep(rng.uniform(0.5, 1.5) * pause)
    time.sleep(2)  # for the last one
    with urlopen(url.removesuffix("/v4") + "/_simulator/stats") as reply:
        requests = json.load(reply)["requests"]
    arrived = {parse_qs(request["query"])["q"][0]: request["at"] for request in requests}
    measured = [(query, *moments) for query, moments in commits.items()][WARM:]
    return (
        [(arrived[query] - sent) * 1000 for query, sent, _ in measured],
        [(arrived[query] - done) * 1000 for query, _, done in measured],
    )


def ask_sidecar(dsn: str, command: list[str], count: int, pause: float) -> tuple[list[float], ...]:
    with (
        simulator() as url,
        process(*command, PGJIKAN_JIKAN_URL=url),
        psycopg.connect(dsn, autocommit=True) as connection,
    ):
        while not connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'pgjikan listener'"
        ).fetchone():
            time.sleep(0.1)
        return ask(connection, "SELECT count(*) FROM anime.search(%s)", url, count, pause)


def ask_cron(superuser: str, count: int) -> tuple[list[float], ...]:
    """The same with a job of pg_cron every second, which asks for what waits."""
    dsn = make_conninfo(superuser, dbname="pgjikan_cron")
    with simulator() as url, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(CRON.format(url=url))  # type: ignore[arg-type]
        return ask(connection, "INSERT INTO public.question VALUES (%s)", url, count, 1)


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


def report(name: str, spent: list[float]) -> tuple[float, float]:
    p50, p99 = (float(value) for value in np.percentile(spent, [50, 99]))
    print(f"{name:44}{len(spent):6}{p50:12.1f}{p99:12.1f}", flush=True)
    return p50, p99


def measure_questions(dsn: str, samples: int, polled: int) -> dict[str, tuple[float, float]]:
    """The first wait, of ours and beside it; median and 99th percentile by what was required."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("UPDATE jikan_sync.job SET enabled = false")
        connection.execute(
            "UPDATE jikan_sync.provider SET per_second = 100, per_minute = 6000, per_day = NULL"
        )
        connection.execute(
            "UPDATE jikan_sync.setting SET value = '100000'"
            " WHERE name IN ('search_per_minute', 'search_per_hour')"
        )
    print(f"{'from COMMIT of a search to its request':44}{'asked':>6}{'p50 ms':>12}{'p99 ms':>12}")
    sidecar = [PGJIKAN, "sidecar", "--lane", "jikan", "--dsn", dsn]
    from_sending, from_end = ask_sidecar(dsn, sidecar, samples, 0.1)
    report("NOTIFY (pgjikan), COMMIT's own time included", from_sending)
    p50, p99 = report("NOTIFY (pgjikan), from the end of COMMIT", from_end)
    report("a look every second", ask_sidecar(dsn, [POLLER, dsn], polled, 1)[1])
    if "PGJIKAN_TEST_DSN" in os.environ:
        report("pg_cron every second", ask_cron(os.environ["PGJIKAN_TEST_DSN"], polled)[1])
    else:
        print("pg_cron every second: run it with docker/trixie-root.sh")
    return {
        "COMMIT of a missed search to its request, p50 ms": (5, p50),
        "COMMIT of a missed search to its request, p99 ms": (25, p99),
    }


def measure_titles(dsn: str, samples: int, polled: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        store(connection, 1, "the first")
    print(f"\n{'from COMMIT to anime.similar':44}{'titles':>6}{'p50 ms':>12}{'p99 ms':>12}")
    report("NOTIFY, high lane (pgjikan)", series(dsn, 1000, samples, notify=True, poll_seconds=5))
    report("poll every 10 s", series(dsn, 5000, polled, notify=False, poll_seconds=10))
    # A title comes at any time of the day.
    nightly = [random.Random(seed).uniform(0, 86_400_000) for seed in range(1000)]
    report("nightly at 02:00 (reckoned)", nightly)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=200, help="by NOTIFY")
    parser.add_argument("--polled", type=int, default=10, help="titles by polling every 10 s")
    parser.add_argument("--asked", type=int, default=60, help="searches by designs of a second")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-bench-"))
    folder.chmod(0o755)  # as root the server runs under its own account
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with EmbeddedServer(folder / "data") as server:  # with fsync, as in production
        migrations.deploy(server.dsn())
        required = measure_questions(server.dsn(), arguments.samples, arguments.asked)
        measure_titles(server.dsn(), arguments.samples, arguments.polled)
    requirements = {
        what: {"required": most, "measured": round(measured, 2), "met": measured < most}
        for what, (most, measured) in required.items()
    }
    for what, result in requirements.items():
        print(f"{'met ' if result['met'] else 'MISS'}  {what}: {result['measured']}")
    if arguments.json:
        print(json.dumps({"requirements": requirements}))


if __name__ == "__main__":
    main()
