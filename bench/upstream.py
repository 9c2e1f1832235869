"""Do we use what an upstream allows, all of it, and never more?

A simulator that counts by sliding windows (3 a second, 60 a minute: stricter than documented)
stands for the upstream; real sidecar processes work against a real database. Measured at the
simulator, from its first request on:

* a backfill of details at full speed for --minutes, with 1, 2 and 4 sidecars: the share of the
  allowed requests that came, and how many got a 429 (none is right);
* with --catalogue, the whole catalogue of 27,631 titles by list pages: requests and minutes,
  beside the floor of titles / 25 / 60 a minute;
* failover in the middle of a backfill: the first of two providers falls silent for a minute (or
  cuts every connection), then comes back: seconds until the second is asked, and until the first
  is again.

The scenarios run side by side, each with a database and a simulator of its own: all of them wait
more than they work.

    python bench/upstream.py                            # 2 to 3 minutes
    python bench/upstream.py --minutes 10 --catalogue   # the full proof, 20 minutes
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from pgjikan import migrations
from pgjikan.server import EmbeddedServer
from pgjikan.simulator import Simulator

TITLES = 27_631
PER_MINUTE = 60
LIMITS = ["3/s", f"{PER_MINUTE}/min"]
SIDECAR = """
import sys
from threading import Event
from pgjikan import log, sidecar
from pgjikan.settings import read_settings
log.configure()
stop = Event()
with sidecar.stop_on_signals(stop):
    sidecar.run(["jikan"], sys.argv[1], read_settings(), stop)
"""


def documents(count: int) -> Iterator[dict[str, Any]]:
    """Titles as plain as the simulator takes them."""
    for mal_id in range(1, count + 1):
        yield {"mal_id": mal_id, "title": f"Title {mal_id}"}


@contextmanager
def sidecars(count: int, dsn: str, url: str, log: Path) -> Iterator[None]:
    """Real sidecar processes, lane jikan."""
    env = os.environ | {"PGJIKAN_JIKAN_URL": url, "PGJIKAN_CONTACT": "bench@pgjikan.example"}
    env["PYTHONPATH"] = str(Path(__file__).parent.parent / "sidecar")
    with log.open("w") as output:
        processes = [
            subprocess.Popen([sys.executable, "-c", SIDECAR, dsn], env=env, stdout=output)
            for _ in range(count)
        ]
        try:
            yield
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                process.wait(timeout=60)


def database(server: EmbeddedServer, name: str) -> str:
    """A fresh database with the project in it; its connection string."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    dsn = server.dsn(name)
    migrations.deploy(dsn, verify=False)
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE jikan_sync.job SET enabled = false")  # only what is measured
    return dsn


def backfill(dsn: str, log: Path, count: int, minutes: float) -> dict[str, Any]:
    """Details at full speed with ``count`` sidecars."""
    wanted = int(PER_MINUTE * minutes * 1.2) + 60
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "SELECT jikan_sync.enqueue_many('anime', array_agg(i))"
            " FROM generate_series(1, %s) AS i",
            [wanted],
        )
    with (
        Simulator(documents(wanted), limits=LIMITS) as jikan,
        sidecars(count, dsn, jikan.url, log),
    ):
        while not (requests := jikan.stats()["requests"]):
            time.sleep(0.1)
        time.sleep(max(0.0, requests[0]["at"] + minutes * 60 - time.time() + 0.5))
        requests = jikan.stats()["requests"]
    start = requests[0]["at"]
    inside = [r for r in requests if r["at"] < start + minutes * 60]
    return {
        "scenario": f"backfill, {count} sidecars",
        "minutes": minutes,
        "requests": len(inside),
        "allowed": round(PER_MINUTE * minutes),
        "used": round(len(inside) / (PER_MINUTE * minutes), 4),
        "got_429": sum(r["status"] == 429 for r in inside),
        "most_in_60_s": most(inside, 60),
        "most_in_1_s": most(inside, 1),
    }


def catalogue(dsn: str, log: Path, titles: int) -> dict[str, Any]:
    """The whole catalogue by list pages, with one sidecar."""
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT jikan_sync.start_sync_run('catalogue')")
    with (
        Simulator(documents(titles), limits=LIMITS) as jikan,
        sidecars(1, dsn, jikan.url, log),
        psycopg.connect(dsn, autocommit=True) as connection,
    ):
        while connection.execute(
            "SELECT 1 FROM jikan_sync.sync_run WHERE state = 'running'"
        ).fetchone():
            time.sleep(0.2)
        stored = connection.execute("SELECT count(*) FROM jikan.anime").fetchone()
        requests = jikan.stats()["requests"]
    took = (requests[-1]["at"] - requests[0]["at"]) / 60
    floor = titles / 25 / PER_MINUTE
    return {
        "scenario": f"catalogue of {titles:,} titles",
        "stored": stored[0] if stored else 0,
        "requests": len(requests),
        "least_requests": -(-titles // 25),
        "minutes": round(took, 2),
        "floor_minutes": round(floor, 2),
        "over_floor": round(took / floor - 1, 4),
        "got_429": sum(r["status"] == 429 for r in requests),
    }


def failover(dsn: str, log: Path, fault: str) -> dict[str, Any]:
    """How soon work goes on at the second provider, and how soon back at the first."""
    outage = 60.0
    with (
        Simulator(documents(1000), limits=LIMITS) as first,
        Simulator(documents(1000), limits=LIMITS) as second,
    ):
        with psycopg.connect(dsn) as connection:
            connection.execute(
                "SELECT jikan_sync.set_provider('jikan', base_url => %s, per_minute => 60)",
                [second.url],
            )
            connection.execute("SELECT jikan_sync.enable_provider('jikan', true)")
            connection.execute(
                "SELECT jikan_sync.enqueue_many('anime', array_agg(i))"
                " FROM generate_series(1, 1000) AS i"
            )
        with sidecars(1, dsn, first.url, log):
            while first.stats()["total"] < 10:
                time.sleep(0.1)
            first.fault(fault)
            died = time.time()
            time.sleep(outage)
            first.clear_faults()
            recovered = time.time()
            time.sleep(75)
        at_second = [r["at"] for r in second.stats()["requests"] if r["at"] > died]
        at_first = [
            r["at"] for r in first.stats()["requests"] if r["at"] > recovered and r["status"] == 200
        ]
    return {
        "scenario": f"failover, {fault}",
        "seconds_to_second": round(at_second[0] - died, 1) if at_second else None,
        "seconds_back": round(at_first[0] - recovered, 1) if at_first else None,
        "requests_at_second": len(at_second),
    }


def required(scenario: dict[str, Any]) -> dict[str, tuple[float, float | None, bool]]:
    """What the issue asks of a scenario: bound, measured, and whether more is better."""
    name = scenario["scenario"]
    if "used" in scenario:
        return {
            f"{name}: share of the allowed requests": (0.97, scenario["used"], True),
            f"{name}: 429 received": (0, scenario["got_429"], False),
        }
    if "over_floor" in scenario:
        return {
            f"{name}: minutes over the floor, share": (0.05, scenario["over_floor"], False),
            f"{name}: requests over the least, share": (
                0.05,
                scenario["requests"] / scenario["least_requests"] - 1,
                False,
            ),
        }
    return {
        f"{name}: seconds until the second": (30, scenario["seconds_to_second"], False),
        f"{name}: seconds until the first again": (60, scenario["seconds_back"], False),
    }


def most(requests: Sequence[dict[str, Any]], seconds: float) -> int:
    """The most requests in any stretch of so many seconds."""
    times = [r["at"] for r in requests]
    first = best = 0
    for last, at in enumerate(times):
        while times[first] <= at - seconds:
            first += 1
        best = max(best, last - first + 1)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=2.0, help="length of the backfill")
    parser.add_argument("--sidecars", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--catalogue", action="store_true", help="the whole catalogue too")
    parser.add_argument("--titles", type=int, default=TITLES, help="size of that catalogue")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
    bounds: dict[str, tuple[float, float | None, bool]] = {}
    with tempfile.TemporaryDirectory(prefix="pgjikan-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # as root the server runs under its own account
        with (
            EmbeddedServer(home / "data", options={"fsync": "off"}) as server,
            ThreadPoolExecutor() as threads,
        ):
            running = []
            for count in options.sidecars:
                dsn = database(server, f"backfill_{count}")
                log = home / f"backfill_{count}.log"
                running.append(threads.submit(backfill, dsn, log, count, options.minutes))
            if options.catalogue:
                dsn = database(server, "catalogue")
                running.append(
                    threads.submit(catalogue, dsn, home / "catalogue.log", options.titles)
                )
            for fault in ("timeout", "reset"):
                dsn = database(server, f"failover_{fault}")
                log = home / f"failover_{fault}.log"
                running.append(threads.submit(failover, dsn, log, fault))
            for scenario in running:
                print(json.dumps(scenario.result()), flush=True)
                bounds |= required(scenario.result())
    if options.json:
        print(
            json.dumps(
                {
                    "requirements": {
                        name: {
                            "required": bound,
                            "measured": measured,
                            "met": measured is not None
                            and (measured >= bound if at_least else measured <= bound),
                        }
                        for name, (bound, measured, at_least) in bounds.items()
                    }
                }
            )
        )


if __name__ == "__main__":
    main()
