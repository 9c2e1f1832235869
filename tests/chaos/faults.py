"""How each kind of weather begins and ends."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Callable

from tests.chaos.load import HOT
from tests.chaos.proxy import Proxy
from tests.chaos.schedule import EXPLAINED, Weather
from tests.chaos.stage import AWAY, Stage

BACKENDS = """
SELECT a.pid FROM pg_stat_activity AS a
WHERE a.usename = 'chaos_sidecar' ORDER BY random() LIMIT %s
"""


class Faults:
    """Does to the stage what the plan says, one after the other, and counts."""

    def __init__(self, stage: Stage) -> None:
        self.count: Counter[str] = Counter()
        self._stage = stage

    def strike(self, weather: Weather, wait: Callable[[float], object]) -> None:
        """Begin, wait, end."""
        kind = weather.kind
        if kind == "full disk" and self._stage.disk is None:
            kind = "read only"
        self.count[kind] += 1
        began = time.time()
        with contextlib.ExitStack() as stack:
            getattr(self, "_" + kind.replace(" ", "_"))(weather, stack)
            wait(weather.seconds)
        what = " ".join(filter(None, (kind, weather.detail, f"{weather.amount:.2f}")))
        self._stage.evidence.weather.append((what, began, time.time()))

    def _terminate(self, weather: Weather, stack: contextlib.ExitStack) -> None:
        for (pid,) in self._stage.insist(BACKENDS, round(weather.amount)):
            self._stage.insist("SELECT pg_terminate_backend(%s)", pid)

    def _restart(self, weather: Weather, stack: contextlib.ExitStack) -> None:
        self._stage.server.stop("immediate")
        self._stage.server.start()

    def _crash(self, weather: Weather, stack: contextlib.ExitStack) -> None:
        """A backend dies of SIGKILL, so the server throws all out and recovers."""
        for (pid,) in self._stage.insist(BACKENDS, 1):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _pause(self, weather: Weather, stack: contextlib.ExitStack) -> None:
        """A sidecar stands still, perhaps beyond its leases, and then goes on as if nothing was."""
        stack.callback(self._stage.fleet.pause(int(weather.detail)))
        if weather.amount:
            self.jump(weather.amount)

    def _cut(self, weather: Weather, stack: contextlib.ExitStack) -> None:
        for road in self._roads(weather, stack):
            road.cut()

    def _freeze(self, weather: Weather, stack: contextlib.ExitStack) -> None:
        for road in self._roads(weather, stack):
            road.freeze()

    def _slow(self, weather: Weather, stack: contextlib.ExitStack) -> None:
        for road in self._roads(weather, stack):
            road.slow(weather.amount)

    def _roads(self, weather: Weather, stack: contextlib.ExitStack) -> list[Proxy]:
        roads = self._stage.roads
        chosen = roads if weather.detail == "all" else [roads[int(weather.detail)]]
        for road in chosen:
            stack.callback(road.mend)
        return chosen

    def _upstream(self, weather: Weather, stack: contextlib.ExitStack) -> None:
        stack.callback(self._stage.jikan.simulator.clear_faults)
        self._stage.jikan.simulator.fault(weather.detail, rate=weather.amount)

    def _embedding(self, weather: Weather, stack: contextlib.ExitStack) -> None:
        def end() -> None:
            self._stage.embeddings.fault = None

        stack.callback(end)
        self._stage.embeddings.fault = weather.detail

    def _read_only(self, weather: Weather, stack: contextlib.ExitStack) -> None:
        stack.callback(self._set_read_only, "off")
        self._set_read_only("on")

    def _set_read_only(self, value: str) -> None:
        self._stage.insist(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
        self._stage.insist("SELECT pg_reload_conf()")

    def _full_disk(self, weather: Weather, stack: contextlib.ExitStack) -> None:
        assert self._stage.disk is not None
        ballast = self._stage.disk / "ballast"
        stack.callback(ballast.unlink)
        descriptor = os.open(ballast, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        try:
            with contextlib.suppress(OSError):
                while True:
                    os.write(descriptor, bytes(1 << 20))
            with contextlib.suppress(OSError):
                while True:
                    os.write(descriptor, bytes(4096))
        finally:
            os.close(descriptor)

    def _reader(self, weather: Weather, stack: contextlib.ExitStack) -> None:
        """An app asks for what is stale and unknown, and then sits on its transaction."""
        with contextlib.suppress(*AWAY):
            connection = self._stage.as_app()
            stack.callback(connection.close)
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            for mal_id in range(1, HOT + 1):
                connection.execute("SELECT anime.get(%s)", [mal_id])
                connection.execute("SELECT count(*) FROM anime.similar(%s)", [mal_id])
                connection.execute("SELECT count(*) FROM anime.search(%s)", [f"reader {mal_id}"])

    def _bug(self, weather: Weather, stack: contextlib.ExitStack) -> None:
        """Some of the titles that are asked for most cannot be stored."""
        stack.callback(self._stage.insist, "DELETE FROM chaos.broken")
        self._stage.insist(
            "INSERT INTO chaos.broken SELECT generate_series(1, %s, 2) ON CONFLICT DO NOTHING", HOT
        )

    def _clock(self, weather: Weather, stack: contextlib.ExitStack) -> None:
        if weather.amount < 0:  # back, and found out a moment later
            stack.callback(self.jump, -weather.amount)
        self.jump(weather.amount)

    def jump(self, seconds: float) -> None:
        """Set the clock of all rules forward, or back."""
        self._stage.evidence.jumps.append(time.time())
        self._stage.insist(
            "INSERT INTO jikan_sync.clock AS c (frozen_at)"
            " VALUES (timestamptz 'epoch' + %s * interval '1 second')"
            " ON CONFLICT (is_only) DO UPDATE"
            " SET frozen_at = c.frozen_at + (excluded.frozen_at - timestamptz 'epoch')",
            seconds,
        )
        self._stage.evidence.jumps.append(time.time())


def explained(line: str) -> bool:
    """Whether an error in the server's log is what a fault looks like from there."""
    return "a bug of the stage" in line or any(f" {code} " in line for code in EXPLAINED)
