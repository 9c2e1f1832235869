"""Three machines, and beside those who ask: HAProxy and PgBouncer, all as `deploy/` has them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg

from tests.failover.machine import DEPLOY, SUBNET, WORKS, Machine, Network, run, trixie_root

Connection = psycopg.Connection[Any]

SUPERUSER = "user=postgres password=secret"
WRITE = "host=127.0.0.1 port=5000 dbname=pgjikan connect_timeout=5"
READ = "host=127.0.0.1 port=5001 dbname=pgjikan connect_timeout=5"
#: Everyone's patience with a cluster on a machine that others use too.
PATIENCE = 240.0


def wait_until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> None:
    """Look until it is so; the look itself takes its time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)


class Cluster:
    """Machines db1 to db3, HAProxy on 5000 and 5001, PgBouncer on 6432."""

    def __init__(self, folder: Path, stack: ExitStack, logins: dict[str, str]) -> None:
        self.folder = folder
        Network()
        self.machines: list[Machine] = []
        for number in (1, 2, 3):
            self.machines.append(Machine(number, folder, {}))
            stack.callback(self.machines[-1].end)
        for machine in self.machines:
            machine.start()
        addresses = {f"DB{n}": machine.address for n, machine in enumerate(self.machines, 1)}
        self._beside(
            stack, "haproxy", ["haproxy", "-db", "-f", str(DEPLOY / "haproxy.cfg")], addresses
        )
        wait_until(self.is_whole, "a primary and two standbys")
        accounts = folder / "pgbouncer"
        accounts.mkdir(mode=0o755)
        (accounts / "userlist.txt").write_text(
            "".join(f'"{name}" "{password}"\n' for name, password in logins.items())
        )
        run("mount", "--bind", str(accounts), str(trixie_root() / "etc/pgbouncer"))
        stack.callback(run, "umount", str(trixie_root() / "etc/pgbouncer"))
        words = ["runuser", "-u", "postgres", "--", "pgbouncer", str(DEPLOY / "pgbouncer.ini")]
        self._beside(stack, "pgbouncer", words, {})

    def _beside(
        self, stack: ExitStack, name: str, words: list[str], environment: dict[str, str]
    ) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                ["chroot", str(trixie_root()), *words],
                env=os.environ | environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        stack.callback(process.wait)
        stack.callback(process.terminate)

    @property
    def hosts(self) -> str:
        """All of them, for a DSN."""
        return ",".join(machine.address for machine in self.machines)

    def primary(self, *, but: Machine | None = None) -> Machine | None:
        """Who is the primary by its own word."""
        for machine in self.machines:
            if machine is not but and machine.ask("/primary")[0] == 200:
                return machine
        return None

    def is_whole(self) -> bool:
        """Whether there are a primary and two standbys that follow it and answer, one in step."""
        for machine in self.machines:
            status, cluster = machine.ask("/cluster")
            if status == 200:
                members = cluster["members"]
                roles = sorted(m["role"] for m in members if m["state"] in WORKS)
                is_said = roles == ["leader", "replica", "sync_standby"]
                return is_said and self._follow()
        return False

    def _follow(self) -> bool:
        """By the servers' own words: what Patroni says may be of a moment ago."""
        standbys = []
        try:
            for machine in self.machines:
                place = f"host={machine.address} dbname=postgres connect_timeout=3"
                # A standby that has yet to become consistent lets nobody in.
                with self.connect(place) as connection:
                    [[is_standby, streams]] = connection.execute(
                        "SELECT pg_is_in_recovery(),"
                        " (SELECT count(*) FROM pg_stat_replication AS r"
                        " WHERE r.state = 'streaming' AND r.application_name LIKE 'db_')"
                    ).fetchall()
                    standbys.append(is_standby)
                    if not is_standby and streams != 2:
                        return False
        except psycopg.OperationalError:
            return False
        return sorted(standbys) == [False, True, True]

    def connect(self, target: str = WRITE, **options: Any) -> Connection:
        """As the superuser, who is neither a sidecar nor an app."""
        return psycopg.connect(f"{target} {SUPERUSER}", autocommit=True, **options)


__all__ = ["PATIENCE", "READ", "SUBNET", "WRITE", "Cluster", "wait_until"]
