"""What a run wrote down while it lasted, for the checks at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Wish:
    """Something asked of the database and acknowledged by it.

    `subject` is the task's dedupe key, `after` the newest entry of the history before the asking.
    """

    subject: str
    after: int


@dataclass(frozen=True, slots=True)
class Paid:
    """A request that the embeddings API answered, and so charged: by which life, for what.

    `answered_after` so many seconds; late enough, and the sidecar had given up on it.
    """

    at: float
    life: int
    texts: tuple[str, ...]
    answered_after: float = 0.0


@dataclass(slots=True)
class Life:
    """One process of a sidecar, from its start to its end, in seconds of the epoch."""

    number: int
    started_at: float
    ended_at: float | None = None
    was_killed: bool = False
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """An upstream allows so many requests in any stretch of so many seconds."""

    upstream: str
    allowed: int
    seconds: float


@dataclass(slots=True)
class Evidence:
    wishes: list[Wish] = field(default_factory=list)
    #: The newest state upstream of every title.
    states: dict[int, int] = field(default_factory=dict)
    lives: list[Life] = field(default_factory=list)
    paid: list[Paid] = field(default_factory=list)
    #: When requests came to an upstream.
    arrivals: dict[str, list[float]] = field(default_factory=dict)
    windows: list[Window] = field(default_factory=list)
    #: When the clock jumped.
    jumps: list[float] = field(default_factory=list)
    #: Leases that outlived their end by three sweeps, or were longer than their term.
    bad_leases: list[dict[str, Any]] = field(default_factory=list)
    #: What was wrong when: kind, begin, end.
    weather: list[tuple[str, float, float]] = field(default_factory=list)
    #: Errors in the server's log that no fault explains.
    complaints: list[str] = field(default_factory=list)
