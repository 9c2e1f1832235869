"""One run: the plan is carried out, then everything is mended, and what is left must be right."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event, Thread

from tests.chaos.faults import Faults, explained
from tests.chaos.invariants import CHECKS, Rows
from tests.chaos.load import Load
from tests.chaos.schedule import SIDECARS, Kill, Schedule, Weather
from tests.chaos.stage import Stage
from tests.chaos.watch import Watch

FIRST_TITLES = 40
#: Seconds in which a mended system must have finished what it was asked for.
PATIENCE = 180


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: kills done, other faults, tasks ended, tasks waiting."""

    phase: str
    kills: int
    faults: int
    done: int
    waiting: int


class Run:
    """Carries a schedule out on a stage; `report` is called a few times a second."""

    def __init__(
        self, stage: Stage, schedule: Schedule, report: Callable[[Progress], None]
    ) -> None:
        self.faults = Faults(stage)
        self.kills = 0
        self.load = Load(stage, schedule.seed)
        self.watch = Watch(stage)
        self._stage = stage
        self._schedule = schedule
        self._report = report
        self._started = 0.0
        self._broken = Event()
        self._failures: list[BaseException] = []

    def carry_out(self) -> None:
        """Start everything, let the plan happen, mend everything, wait until all is done."""
        for _ in range(FIRST_TITLES):
            self._stage.jikan.publish()
        for place in range(SIDECARS):
            self._stage.fleet.start(place)
        self.load.start()
        self.watch.start()
        self._started = time.monotonic()
        parts = [self._kill, *(partial(self._brew, front) for front in self._schedule.fronts)]
        threads = [Thread(target=self._guarded, args=[part]) for part in parts]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            self._tell("breaking things")
            self._stage.fleet.look()
            time.sleep(0.2)
        self.load.stop()
        self.faults.jump(700)  # past every lease of the dead, every pause of an upstream
        self._settle("finishing")
        self._stage.insist(
            "SELECT jikan_sync.enqueue_many('anime', %s)", list(self._stage.jikan.states)
        )
        self._settle("fetching the newest")
        self._stage.fleet.stop()
        self.watch.stop()

    def verdict(self) -> dict[str, Rows]:
        """Each invariant with the rows that violate it."""
        evidence = self._stage.evidence
        evidence.arrivals = {
            "jikan": [r["at"] for r in self._stage.jikan.simulator.stats()["requests"]],
            "embeddings": self._stage.embeddings.arrivals,
        }
        evidence.complaints = [
            line.split("] ", 1)[-1]
            for line in self._stage.log().splitlines()
            if any(f" {level}:  " in line for level in ("ERROR", "FATAL", "PANIC"))
            and not explained(line)
        ]
        with self._stage.connect() as connection:
            return {name: check(connection, evidence) for name, check in CHECKS.items()}

    def _guarded(self, part: Callable[[], None]) -> None:
        try:
            part()
        except BaseException as error:
            self._failures.append(error)
            self._broken.set()

    def _brew(self, front: Sequence[Weather]) -> None:
        for weather in front:
            if self._wait_until(weather.at):
                return
            self.faults.strike(weather, self._broken.wait)

    def _kill(self) -> None:
        """Kill and start again; where the one meant is at rest, another is killed."""
        resting: list[tuple[float, int]] = []
        kills: list[Kill] = list(self._schedule.kills)
        while kills or resting:
            awake = {*range(SIDECARS)} - {place for _, place in resting}
            at, place = min([(k.at, -1) for k in kills[:1] if awake] + resting)
            if self._wait_until(at):
                return
            if place >= 0:
                resting.remove((at, place))
                self._stage.fleet.start(place)
                continue
            kill = kills.pop(0)
            place = kill.sidecar if kill.sidecar in awake else min(awake)
            self._stage.fleet.kill(place)
            self.kills += 1
            resting.append((self._elapsed() + kill.rest, place))

    def _settle(self, phase: str) -> None:
        deadline = time.monotonic() + PATIENCE
        seen, quiet = self.watch.looks, 0
        while time.monotonic() < deadline:
            self._tell(phase)
            self._stage.fleet.look()
            if self.watch.looks > seen:
                seen = self.watch.looks
                quiet = 0 if self.watch.counts["waiting"] else quiet + 1
            if quiet == 2:
                return
            time.sleep(0.2)

    def _tell(self, phase: str) -> None:
        """Report; raise what one of the threads died of, which is a fault of this harness."""
        for failure in (*self._failures, self.load.failure, self.watch.failure):
            if failure is not None:
                self._broken.set()
                raise failure
        counts = self.watch.counts
        self._report(
            Progress(
                phase, self.kills, self.faults.count.total(), counts["done"], counts["waiting"]
            )
        )

    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    def _wait_until(self, at: float) -> bool:
        return self._broken.wait(max(0.0, at - self._elapsed()))
