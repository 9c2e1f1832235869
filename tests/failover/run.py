"""One run: load without a pause, the primary struck again and again, then a look at all."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.rows import dict_row

from pgjikan import migrations
from tests.chaos import stage as chaos
from tests.chaos.evidence import Evidence, Window
from tests.chaos.fleet import Fleet
from tests.chaos.invariants import CHECKS, WITNESS, Rows, paid_twice
from tests.chaos.load import Load
from tests.chaos.upstreams import Embeddings, Jikan
from tests.chaos.watch import Watch
from tests.failover.cluster import READ, WRITE, Cluster, Connection, wait_until
from tests.failover.machine import Machine
from tests.failover.probes import Asker, Reader, Reading, Writer

FIRST_TITLES = 40
FAULTS = ("kill", "freeze", "cut")
SIDECAR = "chaos_sidecar:chaos"
#: Jobs that the harness does not run itself, twice for one slot or at once.
TWICE = """
SELECT a.job_name, a.started_at, b.started_at AS again_at
FROM jikan_sync.job_run AS a
INNER JOIN jikan_sync.job AS j ON j.name = a.job_name
INNER JOIN jikan_sync.job_run AS b ON b.job_name = a.job_name AND b.id > a.id
WHERE a.job_name <> 'sweep_leases' AND a.outcome = 'ok' AND b.outcome = 'ok'
    AND b.started_at < greatest(
        a.started_at + a.duration, jikan_sync.next_due(j.period, j.at, a.started_at, 0)
    )
"""


@dataclass(frozen=True, slots=True)
class Strike:
    """What was done to the primary, and seconds without an acknowledged write around it."""

    kind: str
    machine: str
    seconds: float


class Stage:
    """What the chaos tests' load and watch ask of theirs, on a cluster."""

    def __init__(self, seed: int, folder: Path, stack: ExitStack) -> None:
        self.evidence = Evidence()
        self.cluster = Cluster(folder, stack, {"chaos_sidecar": "chaos", "chaos_app": "chaos"})
        with self.cluster.connect(WRITE.replace("pgjikan", "postgres")) as connection:
            connection.execute("CREATE DATABASE pgjikan")
        migrations.deploy(f"{WRITE} user=postgres password=secret", verify=False)
        self.jikan = Jikan(random.Random(f"{seed}/titles"))
        stack.enter_context(self.jikan.simulator)
        self.embeddings = Embeddings()
        stack.callback(self.embeddings.close)
        with self.as_app() as connection:
            connection.execute(WITNESS.encode())
            connection.execute(chaos.HURRY.encode())
            connection.execute(
                "CREATE ROLE chaos_app LOGIN PASSWORD 'chaos' IN ROLE anime_reader;"
                " CREATE TABLE chaos.written (id bigint PRIMARY KEY)"
            )
            connection.execute(
                "UPDATE jikan_sync.provider SET base_url = %s WHERE enabled",
                [self.jikan.simulator.url],
            )
        direct = f"postgresql://{{}}@{self.cluster.hosts}/pgjikan"
        self.fleet = Fleet(
            {
                "PGJIKAN_GOOGLE_BASE_URL": self.embeddings.url,
                "PGJIKAN_POLL_SECONDS": "0.3",
                "PGJIKAN_TICK_SECONDS": "1",
                "PGJIKAN_LISTEN_DSN": direct.format(SIDECAR),
            },
            # One through everything that stands before the servers, one straight to them.
            [f"postgresql://{SIDECAR}@127.0.0.1:6432/pgjikan", direct.format(SIDECAR)],
            folder,
        )
        self.evidence.lives = self.fleet.lives
        self.evidence.paid = self.embeddings.paid
        self.evidence.states = self.jikan.states
        self.evidence.windows = [
            Window("jikan", chaos.PER_SECOND, 1.0),
            Window("embeddings", chaos.EMBEDDINGS_PER_SECOND, 1.0),
        ]
        stack.callback(self.fleet.stop)
        app = "user=chaos_app password=chaos"
        self.gateways = [
            gateway(folder, stack, f"{READ} {app}", f"{WRITE} {app}"),
            gateway(folder, stack, direct.format("chaos_app:chaos"), ""),
        ]

    def as_app(self) -> Connection:
        """To the primary, wherever it is."""
        return self.cluster.connect(options="-c statement_timeout=30s")


def gateway(folder: Path, stack: ExitStack, dsn: str, primary_dsn: str) -> str:
    """A process of `pgjikan serve`; its URL."""
    words = [sys.executable, "-c", "from pgjikan.cli import main; main()", "serve", "--port", "0"]
    words += ["--dsn", dsn, "--no-access-log"]
    words += ["--primary-dsn", primary_dsn] if primary_dsn else []
    log = folder / f"gateway-{len(list(folder.glob('gateway-*')))}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    wait_until(lambda: "http://" in log.read_text() or process.poll() is not None, "a gateway")
    return log.read_text().split("gateway: ")[1].split("  ")[0]


class Run:
    """Strikes the primary as often as is said, by the seed."""

    def __init__(self, place: Stage, seed: int, say: Callable[[str], None]) -> None:
        self.strikes: list[Strike] = []
        self._place = place
        self._say = say
        self._dice = random.Random(f"{seed}/strikes")
        self.load = Load(place, seed)  # type: ignore[arg-type]
        self.watch = Watch(place)  # type: ignore[arg-type]
        known = list(range(1, FIRST_TITLES + 1))
        self.writer = Writer()
        self.readings = [Reading("gateway"), Reading("read port"), Reading("pooled read port")]
        self.readers = [
            *(Reader.of_gateway(url, known, self.readings[0]) for url in place.gateways),
            Reader.of_port(READ, self.readings[1]),
            Reader.of_port(
                "host=127.0.0.1 port=6432 dbname=pgjikan_read connect_timeout=5", self.readings[2]
            ),
        ]
        self.asker = Asker(place.gateways, place.jikan)

    def carry_out(self, faults: list[str], *, is_short: bool = False) -> None:
        """Start everything, strike, wait until all is done."""
        place = self._place
        for _ in range(FIRST_TITLES):
            place.jikan.publish()
        for number in range(2):
            place.fleet.start(number)
        with place.as_app() as connection:
            connection.execute(
                "SELECT jikan_sync.enqueue_many('anime', %s)", [list(place.jikan.states)]
            )
        self._settle("the first titles")
        wait_until(self._has_replicated, "the first titles on the standbys")
        threads = [self.load, self.watch, self.writer, *self.readers, self.asker]
        for thread in threads:
            thread.start()
        wait_until(lambda: self.writer.count > 20, "the first writes")
        for kind in faults:
            self._strike(kind, is_last=is_short)
        self._say("finishing")
        for thread in (self.asker, self.load, *self.readers, self.writer):
            thread.stop()
        for probe in (self.writer, self.asker, self.load, *self.readers):
            if probe.failure is not None:
                raise probe.failure
        with place.as_app() as connection:
            connection.execute(
                "INSERT INTO jikan_sync.clock AS c (frozen_at) VALUES (timestamptz 'epoch' + %s)",
                ["700 seconds"],  # past every lease of the dead, every pause of an upstream
            )
        place.evidence.jumps.append(time.time())
        self._settle("what was asked for")
        with place.as_app() as connection:
            connection.execute(
                "SELECT jikan_sync.enqueue_many('anime', %s)", [list(place.jikan.states)]
            )
        self._settle("the newest of all")
        place.fleet.stop()
        self.watch.stop()

    def _strike(self, kind: str, *, is_last: bool) -> None:
        cluster = self._place.cluster
        wait_until(cluster.is_whole, "a whole cluster")
        self._rest(2)
        struck = cluster.primary()
        assert struck is not None
        self._say(f"{kind} {struck.name}")
        began, end = time.monotonic(), None
        self._begin(kind, struck)
        try:
            wait_until(lambda: cluster.primary(but=struck) is not None, f"{kind}: a new primary")
            count = self.writer.count
            wait_until(lambda: self.writer.count > count + 5, f"{kind}: a write after it")
            end = time.monotonic()
            self._rest(self._dice.uniform(1, 4))
        finally:
            self._end(kind, struck)
        if not is_last:
            wait_until(cluster.is_whole, f"{kind}: {struck.name} back")
        gap = self.writer.longest_gap(began - 1, end)
        self.strikes.append(Strike(kind, struck.name, gap))
        self._say(f"  {gap:.1f} s without writes, {time.monotonic() - began:.0f} s in all")

    def _begin(self, kind: str, machine: Machine) -> None:
        {"kill": machine.kill, "freeze": machine.freeze, "cut": machine.cut}[kind]()

    def _end(self, kind: str, machine: Machine) -> None:
        {"kill": machine.start, "freeze": machine.thaw, "cut": machine.mend}[kind]()

    def _rest(self, seconds: float) -> None:
        """Under load for so long; a sidecar that ended by itself is noticed."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._place.fleet.look()
            time.sleep(0.2)

    def _settle(self, what: str) -> None:
        """Until no task waits, twice in a row."""
        query = "SELECT count(*) FROM jikan_sync.queue AS q WHERE q.ready_at < 'infinity'"
        quiet = 0

        def is_quiet() -> bool:
            nonlocal quiet
            self._place.fleet.look()
            with self._place.as_app() as connection:
                row = connection.execute(query).fetchone()
            quiet = quiet + 1 if row == (0,) else 0
            return quiet >= 5

        wait_until(is_quiet, what)

    def _has_replicated(self) -> bool:
        query = "SELECT count(*) FROM jikan.anime"
        found = []
        for machine in self._place.cluster.machines:
            target = WRITE.replace("127.0.0.1 port=5000", f"{machine.address} port=5432")
            with self._place.cluster.connect(target) as connection:
                found.append(connection.execute(query).fetchone())
        return set(found) == {(FIRST_TITLES,)}

    def verdict(self) -> dict[str, Rows]:
        """Each invariant with the rows that violate it."""
        evidence = self._place.evidence
        evidence.arrivals = {
            "jikan": [r["at"] for r in self._place.jikan.simulator.stats()["requests"]],
            "embeddings": self._place.embeddings.arrivals,
        }
        checks = {name: check for name, check in CHECKS.items() if check is not paid_twice}
        with self._place.as_app() as connection:
            found = {name: check(connection, evidence) for name, check in checks.items()}
            written = {row[0] for row in connection.execute("SELECT id FROM chaos.written")}
            with connection.cursor(row_factory=dict_row) as cursor:
                found["no job ran twice"] = cursor.execute(TWICE).fetchall()
        lost: list[Any] = sorted(self.writer.acknowledged - written)
        found["no acknowledged write lost"] = [{"id": number} for number in lost]
        found["no read failed but those under way"] = [
            {"reader": reading.name, "failed": reading.failed, "of": reading.done}
            for reading in self.readings
            if len(reading.failed) > self._may_fail(reading)
        ]
        return found

    def _may_fail(self, reading: Reading) -> float:
        """A session that ends takes the read with it that it was in the middle of.

        A standby that is made to follow another primary may be stopped for it, and until HAProxy
        has looked twice new connections go there too. A gateway asks again, elsewhere.
        """
        return len(self.strikes) + (0 if reading.name == "gateway" else reading.done / 100)
