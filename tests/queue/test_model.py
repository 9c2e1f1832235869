"""The queue beside a model of it in plain Python: whatever is done, both agree."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Any

import psycopg
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from .conftest import Queue, Row

START = datetime(2030, 1, 1, 12, tzinfo=UTC)
HELD = datetime(9999, 1, 1, tzinfo=UTC)  # infinity, which Python has not
LEASE = timedelta(minutes=5)
MIRRORED = (1,)
CAPS = {"max_live_searches": 2, "max_high_searches": 1, "max_unknown_anime": 1}
# class: attempts, first wait, factor, longest wait
POLICY: dict[str, tuple[int | None, float, float, float]] = {
    "row": (2, 1, 4, 3600),
    "provider_down": (None, 15, 2, 60),
    "lease_expired": (1, 10, 4, 3600),
}
# Few things, so that they meet.
THINGS = [(kind, number) for kind in ("anime", "search") for number in (1, 2, 3)]
THINGS += [("embed", number) for number in MIRRORED]
PRIORITIES = st.sampled_from(["high", "low"])
WORKERS = st.sampled_from(["w1", "w2"])
WAITS = st.sampled_from([None, timedelta(minutes=-5), timedelta(minutes=10), HELD])
STEPS = [60, 3601, 86_400]


@dataclass
class Task:
    """A live task as the model sees it."""

    key: str
    number: int
    id: int
    priority: str
    created_at: datetime
    ready_at: datetime
    attempts: int = 0
    failures: int = 0
    is_dirty: bool = False
    worker: str | None = None
    token: Any = None
    expires_at: datetime | None = None

    @property
    def kind(self) -> str:
        return self.key.split(":")[0]

    @property
    def lane(self) -> str:
        return "embedding" if self.kind == "embed" else "jikan"

    def free(self) -> None:
        self.is_dirty, self.worker, self.token, self.expires_at = False, None, None, None

    def want(self, priority: str, ready_at: datetime, now: datetime) -> None:
        """Asked for again."""
        if not self.failures:
            if (priority, self.priority) == ("high", "low"):
                self.ready_at = min(ready_at, max(self.ready_at, now))
            else:
                self.ready_at = min(ready_at, self.ready_at)
        self.priority = "high" if "high" in (priority, self.priority) else "low"
        self.is_dirty = self.token is not None


@dataclass
class Model:
    """What the queue promises, as simply as it can be said."""

    now: datetime = START
    live: dict[str, Task] = field(default_factory=dict)
    dead: dict[str, Task] = field(default_factory=dict)
    history: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    turn: int = 0

    def count(self, kind: str, priority: str | None = None) -> int:
        return sum(
            task.kind == kind
            and priority in (None, task.priority)
            and (kind != "anime" or task.number not in MIRRORED)
            for task in self.live.values()
        )

    def admit(self, kind: str, number: int, priority: str) -> str | None:
        """The priority of a new task under the caps; None: refused."""
        if kind == "search":
            if self.count("search") >= CAPS["max_live_searches"]:
                return None
            if self.count("search", "high") >= CAPS["max_high_searches"]:
                return "low"
        if kind == "anime" and number not in MIRRORED and priority == "high":
            full = self.count("anime", "high") >= CAPS["max_unknown_anime"]
            return None if full else "high"
        return priority

    def claim(self, lane: str, most: int) -> list[Task]:
        """Who goes next: high first, low by its share, half of the turns once it has aged."""
        self.turn += 1
        free = [t for t in self.live.values() if t.lane == lane and t.token is None]
        free = sorted((t for t in free if t.ready_at <= self.now), key=lambda t: (t.ready_at, t.id))
        high = [t for t in free if t.priority == "high"]
        low = [t for t in free if t.priority == "low"]
        aged = any(t.ready_at <= self.now - timedelta(hours=1) for t in low)
        share = Fraction(1, 2) if aged else Fraction(1, 5)
        slots = floor(self.turn * most * share) - floor((self.turn - 1) * most * share)
        return [*low[:slots], *high, *low[slots:]][:most]

    def fail(self, task: Task, error_class: str) -> tuple[float, float] | None:
        """The bounds of the wait in seconds, or None: it is dead."""
        most, base, factor, longest = POLICY[error_class]
        attempts = task.attempts + (most is not None)
        if most is not None and attempts >= most and not task.is_dirty:
            self.history["dead", error_class] += 1
            self.dead[task.key] = self.live.pop(task.key)
            return None
        self.history["failed", error_class] += 1
        nth = 0 if task.is_dirty else task.failures
        wait = min(longest, base * factor**nth)
        task.attempts = 0 if task.is_dirty else attempts
        task.failures = 0 if task.is_dirty else task.failures + 1
        task.free()
        return 0.75 * wait, 1.25 * wait


class QueueMachine(RuleBasedStateMachine):
    """Does the same to both and compares every row after every step."""

    def __init__(self, queue: Queue) -> None:
        super().__init__()
        self.queue = queue
        self.model = Model()
        queue.connection.execute("BEGIN")
        queue.one("SELECT setval('jikan_sync.claim_turn', 1, false)")

    def teardown(self) -> None:
        self.queue.connection.execute("ROLLBACK")

    def rows(self) -> dict[str, Row]:
        rows = self.queue.rows(
            "SELECT q.dedupe_key, q.id, q.priority, q.created_at,"
            " CASE WHEN isfinite(q.ready_at) THEN q.ready_at ELSE %s END AS ready_at, q.attempts,"
            " q.failures, q.is_dirty, q.leased_by, q.lease_token, q.lease_expires_at"
            " FROM jikan_sync.queue AS q",
            HELD,
        )
        return {row["dedupe_key"]: row for row in rows}

    def learn_wait(self, task: Task, low: float, high: float) -> None:
        """The wait has chance in it: it must be within its bounds, and is then known."""
        task.ready_at = self.rows()[task.key]["ready_at"]
        seconds = (task.ready_at - self.model.now).total_seconds()
        assert low - 1e-3 <= seconds <= high + 1e-3

    @property
    def held(self) -> list[Task]:
        return [task for task in self.model.live.values() if task.token is not None]

    @initialize()
    def begin(self) -> None:
        self.enqueue_many([1, 2, 3], "low")
        self.enqueue(("search", 1), "high", None)
        self.enqueue(("embed", 1), "low", None)

    @rule(thing=st.sampled_from(THINGS), priority=PRIORITIES, wait=WAITS)
    def enqueue(self, thing: tuple[str, int], priority: str, wait: Any) -> None:
        kind, number = thing
        now = self.model.now
        ready_at = now if wait is None else wait if wait == HELD else now + wait
        arguments: dict[str, Any] = {"priority": priority}
        if wait is not None:
            arguments["ready_at"] = "infinity" if wait == HELD else ready_at
        if kind == "search":
            arguments["payload"] = {"query": str(number), "query_key": str(number)}
        task_id = self.queue.add(kind, None if kind == "search" else number, **arguments)

        key = f"{kind}:{self.anime_ids[number] if kind == 'embed' else number}"
        if task := self.model.live.get(key):
            task.want(priority, ready_at, now)
            assert task_id == task.id
        elif admitted := self.model.admit(kind, number, priority):
            assert task_id is not None
            self.model.live[key] = Task(key, number, task_id, admitted, now, ready_at)
        else:
            assert task_id is None

    def one_held(self, pick: int, is_asked_again: bool) -> Task | None:
        """A leased task, leased for this where none is; perhaps asked for again meanwhile."""
        if not self.held:
            self.claim("jikan", 1, "w1")
        if not self.held:
            return None
        task = self.held[pick % len(self.held)]
        if is_asked_again:
            self.enqueue((task.kind, task.number), "low", None)
        return task

    @property
    def anime_ids(self) -> dict[int, int]:
        rows = self.queue.rows("SELECT a.mal_id, a.id FROM jikan.anime AS a")
        return {row["mal_id"]: row["id"] for row in rows}

    @rule(numbers=st.lists(st.integers(1, 4), max_size=3), priority=PRIORITIES)
    def enqueue_many(self, numbers: list[int], priority: str) -> None:
        self.queue.one(
            "SELECT jikan_sync.enqueue_many('anime', %s::integer[], %s)", numbers, priority
        )
        rows = self.rows()
        now = self.model.now
        for number in set(numbers):
            key = f"anime:{number}"
            if task := self.model.live.get(key):
                task.want(priority, now, now)
            else:
                self.model.live[key] = Task(key, number, rows[key]["id"], priority, now, now)

    @rule(lane=st.sampled_from(["jikan", "jikan", "embedding"]), most=st.integers(1, 4), by=WORKERS)
    def claim(self, lane: str, most: int, by: str) -> None:
        claimed = self.queue.claim(most, by, lane)
        expected = self.model.claim(lane, most)
        assert sorted(row["id"] for row in claimed) == sorted(task.id for task in expected)
        tokens = {row["id"]: row["lease_token"] for row in claimed}
        for task in expected:
            task.worker, task.token = by, tokens[task.id]
            task.expires_at = self.model.now + LEASE

    @rule(pick=st.integers(0, 20), again=st.booleans())
    def complete(self, pick: int, again: bool) -> None:
        if (task := self.one_held(pick, again)) is None:
            return
        lost = {"id": task.id, "lease_token": "00000000-0000-0000-0000-000000000000"}
        assert self.queue.complete(lost) is False
        assert self.queue.complete({"id": task.id, "lease_token": task.token}) is True
        self.model.history["done", None] += 1
        if task.is_dirty:
            task.created_at = task.ready_at = self.model.now
            task.attempts = task.failures = 0
            task.free()
        else:
            del self.model.live[task.key]

    @rule(pick=st.integers(0, 20), error_class=st.sampled_from(sorted(POLICY)), again=st.booleans())
    def fail(self, pick: int, error_class: str, again: bool) -> None:
        if (task := self.one_held(pick, again)) is None:
            return
        row = {"id": task.id, "lease_token": task.token}
        bounds = self.model.fail(task, error_class)
        assert self.queue.fail(row, error_class) == ("retry" if bounds else "dead")
        if bounds:
            self.learn_wait(task, *bounds)
        assert self.queue.fail(row, error_class) == "lost"

    @rule(pick=st.integers(0, 20), minutes=st.sampled_from([0, 3, 30]), again=st.booleans())
    def fail_until(self, pick: int, minutes: int, again: bool) -> None:
        """The provider named the wait."""
        if (task := self.one_held(pick, again)) is None:
            return
        row = {"id": task.id, "lease_token": task.token}
        assert self.model.fail(task, "provider_down")
        assert self.queue.fail(row, "provider_down", f"{minutes} minutes") == "retry"
        self.learn_wait(task, 60 * minutes, 66 * minutes)

    @rule(pick=st.integers(0, 20), again=st.booleans())
    def release(self, pick: int, again: bool) -> None:
        if (task := self.one_held(pick, again)) is None:
            return
        statement = "SELECT jikan_sync.release(%s, %s)"
        assert self.queue.one(statement, task.id, task.token) is True
        assert self.queue.one(statement, task.id, task.token) is False
        task.free()

    @rule(worker=WORKERS)
    def release_worker(self, worker: str) -> None:
        mine = [task for task in self.held if task.worker == worker]
        assert self.queue.one("SELECT jikan_sync.release_worker(%s)", worker) == len(mine)
        for task in mine:
            task.free()

    @rule(seconds=st.sampled_from([1, 300, 301]), again=st.booleans())
    def sweep(self, seconds: int, again: bool) -> None:
        self.one_held(0, again)
        self.advance(seconds)
        gone = [t for t in self.held if t.expires_at and t.expires_at < self.model.now]
        assert self.queue.one("SELECT jikan_sync.sweep_leases()") == len(gone)
        for task in gone:
            if bounds := self.model.fail(task, "lease_expired"):
                self.learn_wait(task, *bounds)

    @precondition(lambda self: self.model.dead)
    @rule()
    def redrive(self) -> None:
        self.advance(60)
        dead = self.model.dead
        assert self.queue.one("SELECT jikan_sync.redrive()") == len(dead)
        rows, now = self.rows(), self.model.now
        for key, task in dead.items():
            if live := self.model.live.get(key):
                live.want(task.priority, now, now)
            else:
                self.model.live[key] = Task(
                    key, task.number, rows[key]["id"], task.priority, task.created_at, now
                )
        dead.clear()

    @rule(seconds=st.sampled_from(STEPS))
    def advance(self, seconds: int) -> None:
        self.queue.one("SELECT jikan_sync.clock_advance(%s)", timedelta(seconds=seconds))
        self.model.now += timedelta(seconds=seconds)

    @invariant()
    def agree(self) -> None:
        expected = {
            task.key: {
                "dedupe_key": task.key,
                "id": task.id,
                "priority": task.priority,
                "created_at": task.created_at,
                "ready_at": task.ready_at,
                "attempts": task.attempts,
                "failures": task.failures,
                "is_dirty": task.is_dirty,
                "leased_by": task.worker,
                "lease_token": task.token,
                "lease_expires_at": task.expires_at,
            }
            for task in self.model.live.values()
        }
        assert self.rows() == expected
        dead = self.queue.rows("SELECT d.dedupe_key FROM jikan_sync.dead_letter AS d")
        assert {row["dedupe_key"] for row in dead} == set(self.model.dead)
        history = self.queue.rows(
            "SELECT h.outcome, h.error_class, count(*) AS n FROM jikan_sync.queue_history AS h"
            " GROUP BY 1, 2"
        )
        assert {(row["outcome"], row["error_class"]): row["n"] for row in history} == dict(
            self.model.history
        )


def prepare(queue: Queue, connection: psycopg.Connection[Any]) -> None:
    queue.mirror(*MIRRORED)
    for name, value in CAPS.items():
        connection.execute(
            "UPDATE jikan_sync.setting SET value = %s WHERE name = %s", [str(value), name]
        )
    for error_class, (most, base, factor, longest) in POLICY.items():
        connection.execute(
            "UPDATE jikan_sync.retry_policy SET max_attempts = %s, factor = %s,"
            " base_delay = make_interval(secs => %s), max_delay = make_interval(secs => %s)"
            " WHERE error_class = %s",
            [most, factor, base, longest, error_class],
        )


def test_the_queue_does_as_the_model_says(
    queue: Queue, connection: psycopg.Connection[Any]
) -> None:
    prepare(queue, connection)
    run_state_machine_as_test(
        lambda: QueueMachine(queue),
        settings=settings(
            max_examples=50,
            stateful_step_count=30,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],  # to shrink takes minutes: add Phase.shrink by hand
            suppress_health_check=list(HealthCheck),
        ),
    )
