"""Reads a second: all at one server, and through the read port with two standbys behind it.

    sudo .venv/bin/python bench/replicas.py                # root and Debian; two minutes
    sudo .venv/bin/python bench/replicas.py --seconds 30

The three machines of tests/failover (Debian's PostgreSQL 17, Patroni, etcd, HAProxy; files of
`deploy/`) with the starter catalogue, on loopback and in network namespaces. pgbench asks
`anime.search_cached` for titles at random over 8 connections: first through the write port, where
the primary alone answers, then through the read port. Beside the answers a second: the CPU seconds
that each machine took, the primary's among them, and HAProxy's and pgbench's own.

All share the cores of one machine, so what is shown is who does the work, not how much three
machines do: the sum is that of the cores, less what the way costs.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # for tests.failover

from tests.failover.cluster import READ, WRITE, Cluster, wait_until  # noqa: E402
from tests.failover.machine import trixie_root  # noqa: E402

from pgjikan import migrations  # noqa: E402
from pgjikan.cli.load import load_with_progress  # noqa: E402

QUESTION = r"""
\set n random(1, {titles})
SELECT count(*) FROM anime.search_cached((SELECT title FROM public.asked WHERE n = :n));
"""
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of(processes: set[int]) -> float:
    """Seconds that living processes, and those that they have waited for, have taken."""
    total = 0
    for process in processes:
        try:
            words = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(map(int, words[11:15]))
    return total / TICKS


def ask(port: int, seconds: int, script: Path) -> tuple[float, float]:
    """Answers a second, and the milliseconds that one took on the average."""
    words = ["chroot", str(trixie_root()), "/usr/lib/postgresql/17/bin/pgbench", "--no-vacuum"]
    words += ["--client=8", "--jobs=1", f"--time={seconds}", "--protocol=prepared"]
    words += [f"--file={script}", "--host=127.0.0.1", f"--port={port}", "--username=app", "pgjikan"]
    done = subprocess.run(
        words, env=os.environ | {"PGPASSWORD": "app"}, capture_output=True, text=True, check=True
    )
    found = re.search(r"latency average = ([\d.]+) ms[\s\S]*tps = ([\d.]+)", done.stdout)
    assert found is not None, done.stdout
    assert "number of failed transactions: 0 " in done.stdout, done.stdout
    return float(found[2]), float(found[1])


def measure(cluster: Cluster, name: str, port: int, seconds: int, script: Path) -> None:
    ask(port, 2, script)  # what is cold is warm now
    primary = cluster.primary()
    before = [cpu_of(machine.inside()) for machine in cluster.machines]
    own = sum(os.times()[2:4])
    a_second, latency = ask(port, seconds, script)
    print(f"{name}: {a_second:.0f} answers a second, {latency:.1f} ms each")
    for machine, taken in zip(cluster.machines, before, strict=True):
        share = (cpu_of(machine.inside()) - taken) / seconds
        role = "primary" if machine is primary else "standby"
        print(f"    {machine.name} ({role}): {share:.2f} cores")
    print(f"    pgbench: {(sum(os.times()[2:4]) - own) / seconds:.2f} cores")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=int, default=15, help="of each measurement")
    given = parser.parse_args()
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print("needs root on Debian: it builds machines of namespaces")
        return
    if "PGJIKAN_TRIXIE_ROOT" not in os.environ:
        words = [str(ROOT / "docker/trixie-root.sh"), "unshare", "--net", sys.executable]
        os.execv(words[0], [*words, str(Path(__file__).resolve()), *sys.argv[1:]])
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-bench-"))
    folder.chmod(0o755)
    try:
        with ExitStack() as stack:
            cluster = Cluster(folder, stack, {"app": "app"})
            prepare(cluster)
            script = folder / "question.sql"
            with cluster.connect() as connection:
                row = connection.execute("SELECT count(*) FROM public.asked").fetchone()
            assert row is not None
            script.write_text(QUESTION.format(titles=row[0]))
            measure(cluster, "one server", 5000, given.seconds, script)
            measure(cluster, "read port, two standbys", 5001, given.seconds, script)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prepare(cluster: Cluster) -> None:
    """The schema, 1,000 titles, a login, and everything on the standbys too."""
    with cluster.connect(WRITE.replace("pgjikan", "postgres")) as connection:
        connection.execute("CREATE DATABASE pgjikan")
    dsn = f"{WRITE} user=postgres password=secret"
    migrations.deploy(dsn, verify=False)
    load_with_progress(dsn, None, None, quiet=True)
    with cluster.connect() as connection:
        connection.execute(
            "CREATE ROLE app LOGIN PASSWORD 'app' IN ROLE anime_reader;"
            " CREATE TABLE public.asked AS SELECT row_number() OVER () AS n, a.title"
            " FROM jikan.anime AS a;"
            " CREATE UNIQUE INDEX ON public.asked (n); GRANT SELECT ON public.asked TO app"
        )
        connection.execute("VACUUM ANALYZE")
        row = connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
    assert row is not None

    def is_there() -> bool:
        for _ in cluster.machines:  # as many connections as servers: HAProxy takes turns
            with cluster.connect(READ) as reader:
                seen = reader.execute(
                    "SELECT NOT pg_is_in_recovery() OR pg_last_wal_replay_lsn() >= %s::pg_lsn", row
                ).fetchone()
                if seen != (True,):
                    return False
        return True

    wait_until(is_there, "the catalogue on the standbys")


if __name__ == "__main__":
    main()
