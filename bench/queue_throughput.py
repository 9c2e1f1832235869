"""Is our queue as fast as the best, and as fast with a million tasks waiting as with a thousand?

Every queue works on the same embedded server, fsync on, in its own recommended use (see
bench/queue_peers): enqueue one by one and in bulk; claim and complete, one at a time and ten at a
time, by one and by four worker processes, with 1,000 and with 1,000,000 tasks waiting behind those
that are worked off. Rounds of all queues alternate, and the best round of each counts, so that a
noisy machine hits all alike. Then ours alone with a transaction held open beside it.

    python bench/queue_throughput.py         # 10 minutes; --quick: 100,000 instead of a million
    python bench/queue_throughput.py --only pgjikan graphile-worker

The peers are installed into .cache (pinned versions) on first use.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from pgjikan import migrations
from pgjikan.server import EmbeddedServer

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "bench" / "queue_peers"
VENV = ROOT / ".cache" / "bench-venv"
NODE = ROOT / ".cache" / "bench-node"
PYTHON_PACKAGES = ["procrastinate==3.10.0", "pgqueuer==1.6.0", "psycopg[binary]==3.3.0"]
PYTHON_PACKAGES += ["asyncpg==0.32.0"]
NODE_PACKAGES = ["node@22.23.3", "pg-boss@12.38.0", "graphile-worker@0.18.0", "pg"]
QUEUES = {
    "pgjikan": "pgjikan_peer.py",
    "procrastinate 3.10.0": "procrastinate_peer.py",
    "PgQueuer 1.6.0": "pgqueuer_peer.py",
    "pg-boss 12.38.0": "pgboss_peer.mjs",
    "graphile-worker 0.18.0": "graphile_peer.mjs",
}
OURS = "pgjikan"
CELLS = [(batch, workers) for batch in (1, 10) for workers in (1, 4)]
QUOTA = 2000
SECONDS = 3
SMALL = 1_000


@dataclass
class Queue:
    """A queue under test: its script and its database."""

    name: str
    script: Path
    server: EmbeddedServer

    @property
    def database(self) -> str:
        return "bench_" + self.script.stem.removesuffix("_peer")

    def create(self) -> None:
        with psycopg.connect(self.server.dsn("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{self.database}"')
        if self.name == OURS:
            migrations.deploy(self.server.dsn(self.database), verify=False)
        self.call("setup")

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        status = self.server.status()
        environment = os.environ | {
            "PGHOST": str(status.socket_dir),
            "PGPORT": str(status.port),
            "PGUSER": "postgres",
            "PGDATABASE": self.database,
        }
        if self.script.suffix == ".mjs":  # modules are found beside the script only
            script = NODE / self.script.name
            program = NODE / "node_modules" / "node" / "bin" / "node"
        else:
            script = self.script
            program = Path(sys.executable) if self.name == OURS else VENV / "bin" / "python"
        return subprocess.Popen(
            [str(program), str(script), *map(str, arguments)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, *arguments: object) -> dict[str, Any]:
        process = self.start(*arguments)
        said, _ = process.communicate()
        if process.returncode != 0:
            raise SystemExit(f"{self.name} failed at {arguments}")
        return json.loads(said.splitlines()[-1]) if said.strip() else {}

    def work(self, batch: int, workers: int) -> float:
        """Return finished tasks per second of all workers together."""
        processes = [self.start("work", batch, QUOTA // workers, SECONDS) for _ in range(workers)]
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()  # ready
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        reports = [json.loads(process.communicate()[0]) for process in processes]
        spent = max(r["end"] for r in reports) - min(r["start"] for r in reports)
        return float(sum(r["done"] for r in reports) / spent)

    def enqueue(self, bulk: int) -> float:
        report = self.call("enqueue", 2, bulk)
        return float(report["done"] / (report["end"] - report["start"]))


def install() -> None:
    """Put the peers into .cache, once."""
    if not (VENV / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([VENV / "bin" / "pip", "-q", "install", *PYTHON_PACKAGES], check=True)
    if not (NODE / "node_modules" / "node" / "bin" / "node").exists():
        NODE.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--prefix", str(NODE), "--no-audit", "--no-fund"]
        subprocess.run([*command, *NODE_PACKAGES], check=True, stdout=subprocess.DEVNULL)
    for script in PEERS.glob("*.mjs"):
        shutil.copy(script, NODE / script.name)


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def dead_tuples(server: EmbeddedServer, queue: Queue) -> int:
    with psycopg.connect(server.dsn(queue.database), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pgstattuple")
        row = connection.execute(
            "SELECT dead_tuple_count FROM pgstattuple('jikan_sync.queue')"
        ).fetchone()
        assert row is not None
        return int(row[0])


def measure_held(server: EmbeddedServer, queue: Queue, rounds: int) -> dict[str, float]:
    """Work beside an open transaction; count what it keeps from being cleaned, and after it."""
    queue.create()
    queue.call("fill", 30 * QUOTA)
    free = max(queue.work(10, 4) for _ in range(rounds))
    before = dead_tuples(server, queue)
    with psycopg.connect(server.dsn(queue.database)) as holder:
        holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        holder.execute("SELECT FROM jikan_sync.setting")
        held = [queue.work(10, 4) for _ in range(3 * rounds)]
        dead = dead_tuples(server, queue)
    with psycopg.connect(server.dsn(queue.database), autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM jikan_sync.queue_history").fetchone()
        assert row is not None
        done = row[0] - rounds * QUOTA
        connection.execute("VACUUM jikan_sync.queue")
    return {
        "free": free,
        "held": max(held[-rounds:]),
        "dead_per_task": (dead - before) / max(done, 1),
        "dead_after": dead_tuples(server, queue),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="100,000 waiting instead of a million")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="names of queues, or their beginnings")
    options = parser.parse_args()
    large = 100_000 if options.quick else 1_000_000
    names = [
        name
        for name in QUEUES
        if not options.only or any(name.startswith(begin) for begin in options.only)
    ]
    install()
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-bench-"))
    folder.chmod(0o755)
    rates: dict[tuple[str, int, int, int], float] = {}
    singles: dict[tuple[str, int], float] = {}
    started = time.time()
    try:
        with EmbeddedServer(folder / "data", options={"max_wal_size": "4GB"}) as server:
            queues = [Queue(name, PEERS / QUEUES[name], server) for name in names]
            for waiting in (SMALL, large):
                for queue in queues:
                    note(f"{queue.name}: {waiting:,} waiting")
                    queue.create()
                    if waiting == SMALL:
                        for bulk in (1, 1000):
                            singles[queue.name, bulk] = queue.enqueue(bulk)
                        queue.create()
                    queue.call("fill", waiting)
                for _ in range(options.rounds):
                    for batch, workers in CELLS:
                        for queue in queues:
                            queue.call("fill", QUOTA) if queue.name != OURS else refill(queue)
                            key = (queue.name, batch, workers, waiting)
                            rate = queue.work(batch, workers)
                            rates[key] = max(rates.get(key, 0), rate)
                            note(f"{queue.name}, batch {batch}, {workers} workers: {rate:,.0f}")
            held = measure_held(server, next(q for q in queues if q.name == OURS), options.rounds)
            version = psycopg.connect(server.dsn("postgres")).info.server_version
    finally:
        shutil.rmtree(folder, ignore_errors=True)

    print(
        f"{platform.platform()}, {os.cpu_count()} CPUs, PostgreSQL {version / 10000:.1f}, fsync on"
    )
    print(f"Python {platform.python_version()}, {', '.join(PYTHON_PACKAGES + NODE_PACKAGES)}")
    print(f"{time.time() - started:.0f} s, {options.rounds} rounds; tasks per second, best round\n")
    cells = [(batch, workers, waiting) for waiting in (SMALL, large) for batch, workers in CELLS]
    heads = [f"b{b} w{w} {n:,}" for b, w, n in cells]
    print(f"{'claim + complete':24}" + "".join(f"{head:>16}" for head in heads))
    for name in names:
        print(f"{name:24}" + "".join(f"{rates[name, *cell]:16,.0f}" for cell in cells))
    print(f"\n{'enqueue':24}{'one by one':>16}{'by the 1,000':>16}")
    for name in names:
        print(f"{name:24}{singles[name, 1]:16,.0f}{singles[name, 1000]:16,.0f}")
    print(f"\n{OURS} beside an open transaction: {held}")

    requirements: dict[str, dict[str, Any]] = {}

    def require(what: str, required: float, measured: float, met: bool) -> None:
        requirements[what] = {"required": required, "measured": round(measured, 3), "met": met}

    for cell, head in zip(cells, heads, strict=True):
        others = [rates[name, *cell] for name in names if name != OURS]
        if others:
            ratio = rates[OURS, *cell] / max(others)
            require(f"ahead of the best peer, {head}", 1.0, ratio, ratio > 1)
    for batch, workers in CELLS:
        ratio = rates[OURS, batch, workers, large] / rates[OURS, batch, workers, SMALL]
        require(f"{large:,} waiting against 1,000, b{batch} w{workers}", 0.8, ratio, ratio >= 0.8)
    require("dead tuples a finished task while a transaction is open", 2.2,
            held["dead_per_task"], held["dead_per_task"] <= 2.2)  # fmt: skip
    ratio = held["held"] / held["free"]
    require("speed beside an open transaction", 0.6, ratio, ratio >= 0.6)
    require("dead tuples after it and a vacuum", 0, held["dead_after"], held["dead_after"] == 0)
    for what, result in requirements.items():
        print(f"{'met ' if result['met'] else 'MISS'}  {what}: {result['measured']}")
    if options.json:
        print(json.dumps({"requirements": requirements}))


def refill(queue: Queue) -> None:
    """Add a round's tasks for new ids, which ours tells apart."""
    with psycopg.connect(queue.server.dsn(queue.database), autocommit=True) as connection:
        connection.execute(
            "SELECT jikan_sync.enqueue_many('anime', array(SELECT generate_series(b, b + %s - 1)))"
            " FROM (SELECT 10000000 + coalesce(max(id), 0)::int AS b FROM jikan_sync.queue) AS n",
            [QUOTA],
        )


if __name__ == "__main__":
    main()
