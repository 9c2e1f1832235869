"""Whom each process of `pgjikan serve` takes for the client: the trusted proxy's, else the peer."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client.mmap_dict import MmapedDict

from tests.gateway.test_start import command
from tests.sidecar.conftest import wait_until

#: All of 127.0.0.0/8 is this machine, so one peer is the proxy and another is anybody.
PROXY, STRANGER = "127.0.0.1", "127.0.0.2"
#: Proxies behind the proxy, none of which is a peer here.
TRUSTED = f"{PROXY}, 192.0.2.0/24"
CLIENT, OTHER, BEHIND = "198.51.100.7", "203.0.113.1", "192.0.2.5"
#: Misses of a client in a minute at each of two processes, and more than come back meanwhile to who
#: has spent them.
PER_MINUTE, FEW = 30, 15

LISTS = [
    (PROXY, [], PROXY),
    (PROXY, [CLIENT], CLIENT),
    (PROXY, [f"{OTHER}, {CLIENT}"], CLIENT),
    (PROXY, [OTHER, CLIENT], CLIENT),
    (PROXY, [f"{OTHER}, {CLIENT}, {BEHIND}"], CLIENT),
    (PROXY, [f"{BEHIND}, {CLIENT}, {PROXY}"], CLIENT),
    (PROXY, [BEHIND], BEHIND),
    (STRANGER, [], STRANGER),
    (STRANGER, [CLIENT], STRANGER),
    (STRANGER, [f"{CLIENT}, {PROXY}"], STRANGER),
]


@dataclass
class Gateway:
    """`pgjikan serve --workers 2`, asked for what it does not have."""

    port: int
    log: Path
    folder: Path
    connections: ExitStack
    ids: Iterator[int] = field(default_factory=lambda: count(100))

    def ask(self, connection: HTTPConnection, *forwarded: str) -> tuple[str, int]:
        """The path of a miss of its own, and what came of it."""
        path = f"/v4/anime/{next(self.ids)}"
        return path, self.get(connection, path, *forwarded)

    def get(self, connection: HTTPConnection, path: str, *forwarded: str) -> int:
        """The status of an answer."""
        connection.putrequest("GET", path)
        for value in forwarded:
            connection.putheader("X-Forwarded-For", value)
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def client_of(self, path: str) -> str:
        """Whom the access log names."""
        found: list[str] = []

        def is_logged() -> bool:
            lines = [line for line in self.log.read_text().splitlines() if f'"{path}"' in line]
            found[:] = [json.loads(line)["client"] for line in lines]
            return bool(found)

        wait_until(is_logged)
        return found[0]

    def allowed(self, connection: HTTPConnection, forwarded: Callable[[int], str]) -> int:
        """How many misses come before one is refused."""
        for number in range(3 * PER_MINUTE):
            _, status = self.ask(connection, forwarded(number))
            if status == 429:
                return number
            assert status == 504
        return 3 * PER_MINUTE

    def connect(self, peer: str) -> dict[int, HTTPConnection]:
        """A connection of the peer with each process."""
        found: dict[int, HTTPConnection] = {}
        deadline = time.monotonic() + 60
        while len(found) < 2:
            assert time.monotonic() < deadline
            connection = HTTPConnection(
                "127.0.0.1", self.port, timeout=30, source_address=(peer, 0)
            )
            self.connections.callback(connection.close)
            before = self._answered()
            assert self.get(connection, "/v4/nothing") == 404  # which is no miss
            connection.auto_open = 0  # what is asked over it, one process answers
            wait_until(lambda before=before: self._answered() != before)  # type: ignore[misc]
            [pid] = self._answered() - before
            found.setdefault(pid, connection)
        return found

    def _answered(self) -> Counter[int]:
        """How many requests each process has answered, of those that have any."""
        counts: Counter[int] = Counter()
        for file in self.folder.glob("pgjikan-metrics-*/counter_*.db"):
            pid = int(file.stem.rpartition("_")[2])
            if file.stat().st_size:
                values = MmapedDict.read_all_values_from_file(str(file))  # type: ignore[no-untyped-call]
                counts[pid] += sum(value for key, value, *_ in values if "gateway_requests" in key)
        return +counts


@pytest.fixture
def gateway(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    # uvicorn's own variable makes nobody a proxy.
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    log = tmp_path / "log"
    arguments = [*command(database), "--workers", "2", "--trusted-proxy", TRUSTED]
    with log.open("w") as file, subprocess.Popen(arguments, stdout=file) as process:
        try:
            wait_until(lambda: "\n" in log.read_text(), seconds=60)
            port = urlsplit(log.read_text().split()[1]).port
            assert port is not None
            with ExitStack() as connections:
                yield Gateway(port, log, tmp_path, connections)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0


def test_each_process_logs_the_client_that_only_a_trusted_proxy_names(gateway: Gateway) -> None:
    connections = {peer: gateway.connect(peer) for peer in (PROXY, STRANGER)}
    assert connections[PROXY].keys() == connections[STRANGER].keys()
    for pid in connections[PROXY]:
        seen = [
            (peer, forwarded, gateway.client_of(gateway.ask(connections[peer][pid], *forwarded)[0]))
            for peer, forwarded, _ in LISTS
        ]
        assert seen == LISTS


def test_each_process_limits_the_client_that_only_a_trusted_proxy_names(gateway: Gateway) -> None:
    proxies, strangers = gateway.connect(PROXY), gateway.connect(STRANGER)
    for pid, proxy in proxies.items():
        stranger = strangers[pid]
        # Whatever a client says itself stands to the left of what the proxy saw.
        spent = gateway.allowed(proxy, lambda n: f"10.0.0.{n}, {CLIENT}")
        assert PER_MINUTE <= spent < PER_MINUTE + FEW, "this process's half of 60"
        assert gateway.allowed(proxy, lambda _: CLIENT) < FEW
        assert gateway.allowed(proxy, lambda _: f"{CLIENT}, {BEHIND}") < FEW
        # Nobody else has spent anything, and nobody else can have spent what is that client's.
        assert gateway.ask(proxy, f"{CLIENT}, {OTHER}")[1] == 504
        assert gateway.ask(stranger, CLIENT)[1] == 504
        assert gateway.allowed(stranger, lambda n: f"10.0.1.{n}") >= PER_MINUTE - 1
        assert gateway.allowed(stranger, lambda _: OTHER) < FEW
        assert gateway.ask(proxy, OTHER)[1] == 504
