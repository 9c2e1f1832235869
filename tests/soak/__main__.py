"""python -m tests.soak [--minutes M]: everything at once for long; is anything growing?"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from pgjikan import migrations
from pgjikan.loader import load
from pgjikan.server import EmbeddedServer
from pgjikan.simulator import Simulator
from tests.soak import load as work
from tests.soak.measure import (
    Sample,
    Samples,
    Verdict,
    anonymous_bytes,
    at_least,
    bounded,
    flat_memory,
    latencies,
    none,
    quantile,
    reused,
)

console = Console(highlight=False)
BACKENDS = """
SELECT CASE application_name WHEN 'pgbench' THEN 'a reader''s backend' ELSE 'a sidecar''s backend' END,
    array_agg(pid)
FROM pg_catalog.pg_stat_activity
WHERE application_name = 'pgbench' OR application_name LIKE 'pgjikan%'
GROUP BY 1
"""  # noqa: E501
SIZES = """
SELECT (SELECT count(*) FROM jikan_sync.queue), (SELECT count(*) FROM jikan_sync.queue_history),
    pg_database_size(current_database())
"""
FAULTS = {
    "dead letters": "SELECT count(*) FROM jikan_sync.dead_letter",
    "failed runs of jobs": "SELECT count(*) FROM jikan_sync.job_run WHERE outcome = 'failed'",
    "titles without a current vector": "SELECT count(*) FROM jikan.anime AS a"
    " WHERE NOT jikan_sync.has_current_vector(a.id, a.embedding_hash)",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--rate", type=int, default=100, help="reads a second")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with (
        folder() as home,
        EmbeddedServer(home / "data", options={"autovacuum_naptime": "5s"}) as server,
    ):
        verdicts = soak(server, home, given.minutes * 60, given.rate, random.Random(given.seed))
    table = Table("invariant", "seen", "bound", "")
    for verdict in verdicts:
        mark = "[green]holds[/]" if verdict.holds else "[bold red]broken[/]"
        table.add_row(verdict.what, verdict.seen, verdict.bound, mark)
    console.print(table)
    return 0 if all(verdict.holds for verdict in verdicts) else 1


@contextmanager
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="pgjikan-soak-"))
    path.chmod(0o755)  # as root the server runs under its own account
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def soak(
    server: EmbeddedServer, home: Path, seconds: float, rate: int, dice: random.Random
) -> list[Verdict]:
    dsn, status = server.dsn(), server.status()
    titles = work.starter()
    migrations.deploy(dsn, verify=False)
    source = home / "starter.jsonl"
    source.write_text("".join(work.json.dumps(title) + "\n" for title in titles))
    load(dsn, source)
    samples = Samples(seconds)
    with (
        Simulator(titles, limits=[f"{work.PER_SECOND}/s"]) as jikan,
        psycopg.connect(dsn, autocommit=True) as watch,
    ):
        hurry = work.HURRY.format(
            url=jikan.url, per_second=work.PER_SECOND // 2, retention=max(round(seconds / 10), 5)
        )
        watch.execute(hurry.encode())
        with work.sidecars(dsn, home) as fleet:
            writer = work.Writer(dsn, titles, dice)
            writer.start()
            words = work.scripts(titles, home, dice)
            bench = work.readers(status.socket_dir, status.port, dsn, home, words, seconds, rate)
            pids = {f"sidecar {number}": process.pid for number, process in enumerate(fleet)}
            watch_all(dsn, watch, samples, bench, pids)
            said = bench.communicate()[0]
            writer.stop()
            ended = [process.poll() for process in fleet]
            left = settle(watch)
            faults = {what: count(watch, query) for what, query in FAULTS.items()}
    return judge(samples, home, said, rate, seconds, writer, ended, left, faults)


def watch_all(
    dsn: str, watch: psycopg.Connection[Any], samples: Samples, bench: Any, pids: dict[str, int]
) -> None:
    """Look every few seconds; hold a transaction open in the middle third; show how it goes."""
    pace = ["starting"]

    def listen() -> None:
        for line in bench.stderr:
            if found := re.search(r"([\d.]+) tps, lat ([\d.]+) ms", line):
                pace[0] = f"{float(found[1]):.0f} reads/s, {float(found[2]):.1f} ms"

    Thread(target=listen, daemon=True).start()
    long: psycopg.Connection[Any] | None = None
    started = time.monotonic()
    with Progress(
        TextColumn("soaking"),
        BarColumn(),
        TextColumn("{task.fields[pace]}, {task.fields[tasks]} tasks"),
        TimeRemainingColumn(),
        console=console,
    ) as bar:
        shown = bar.add_task("soak", total=samples.length, pace="", tasks=0)
        while bench.poll() is None:
            at = time.monotonic() - started
            if long is None and samples.length / 3 <= at < samples.length * 2 / 3:
                long = psycopg.connect(dsn)
                long.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                long.execute("SELECT FROM jikan.anime LIMIT 1")
            elif long is not None and not long.closed and at >= samples.length * 2 / 3:
                long.close()
            sample = look(watch, at, pids)
            samples.all.append(sample)
            bar.update(shown, completed=at, pace=pace[0], tasks=sample.tasks)
            time.sleep(min(2.0, samples.length / 60))


def look(watch: psycopg.Connection[Any], at: float, pids: dict[str, int]) -> Sample:
    memory = {name: anonymous_bytes(pid) or 0 for name, pid in pids.items()}
    for name, backends in watch.execute(BACKENDS).fetchall():
        held = [size for pid in backends if (size := anonymous_bytes(pid)) is not None]
        if held:
            memory[name] = sum(held) // len(held)
    row = watch.execute(SIZES).fetchone()
    assert row is not None
    return Sample(at, memory, *row)


def settle(watch: psycopg.Connection[Any]) -> int:
    """Let the sidecars come to the end of the work; how many tasks they leave."""
    due = "SELECT count(*) FROM jikan_sync.queue WHERE ready_at <= now()"
    patience = 600
    while (left := count(watch, due)) and patience:
        time.sleep(0.1)
        patience -= 1
    return left


def count(watch: psycopg.Connection[Any], query: str) -> int:
    row = watch.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def judge(
    samples: Samples,
    home: Path,
    said: str,
    rate: int,
    seconds: float,
    writer: work.Writer,
    ended: list[int | None],
    left: int,
    faults: dict[str, int],
) -> list[Verdict]:
    times = latencies(sorted(home.glob("latency.*")))
    begin = times[0][0] if times else 0.0
    thirds = [[ms for at, ms in times if at < begin + seconds / 3]]
    thirds += [[ms for at, ms in times if at >= begin + seconds * 2 / 3]]
    failed = re.search(r"failed transactions: (\d+)", said)
    spread = [
        Verdict(
            f"p{share * 100:g} in the first and in the last third",
            ", ".join(f"{quantile(third, share):.1f} ms" for third in thirds),
            "",
            True,
        )
        for share in (0.5, 0.99)
    ]
    names = sorted({name for sample in samples.all for name in sample.memory})
    return [
        at_least("reads that were answered", len(times), round(0.95 * rate * seconds)),
        none("reads that failed", int(failed[1]) if failed else -1),
        *spread,
        at_least("documents stored", writer.stored, round(5 * seconds)),
        *(flat_memory(samples, name) for name in names),
        bounded(samples, "tasks", 100),
        bounded(samples, "history", 1000),
        reused(samples, seconds / 3, seconds * 2 / 3),
        none("sidecars that ended", sum(code is not None for code in ended)),
        none("tasks that stay when nobody adds to them", left),
        *(none(what, seen) for what, seen in faults.items()),
    ]


if __name__ == "__main__":
    sys.exit(main())
