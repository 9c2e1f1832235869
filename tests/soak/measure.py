"""What is measured while it runs, and what it must have been."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

#: A process may seem to grow by so much: an allocator's leeway, and a fifth of what it holds.
LEEWAY_BYTES = 4 << 20
LEEWAY_SHARE = 0.2
#: What a process holds after less is still its warming up.
WARM_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at everything."""

    at: float
    memory: dict[str, int]
    tasks: int
    history: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """One invariant: what was seen and whether it may be so."""

    what: str
    seen: str
    bound: str
    holds: bool


def none(what: str, seen: int) -> Verdict:
    return Verdict(what, str(seen), "0", seen == 0)


def at_least(what: str, seen: int, bound: int) -> Verdict:
    return Verdict(what, f"{seen:,}", f"{bound:,}", seen >= bound)


@dataclass
class Samples:
    """All looks, the first third of which is warming up."""

    length: float
    all: list[Sample] = field(default_factory=list)

    def third(self, number: int) -> list[Sample]:
        begin = self.length * (number - 1) / 3
        end = self.length * number / 3 if number < 3 else float("inf")
        return [sample for sample in self.all if begin <= sample.at < end]


def anonymous_bytes(pid: int) -> int | None:
    """The memory that is a process's own: without files and what is shared. None: it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return next(
        (int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("RssAnon:")),
        None,
    )


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Least squares: how much y grows for one x."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def flat_memory(samples: Samples, name: str) -> Verdict:
    """After the first third, in which it warms up, a process's own memory does not grow."""
    looks = samples.third(2) + samples.third(3)
    points = [(s.at, float(s.memory[name])) for s in looks if name in s.memory]
    if len(points) < 3:
        return Verdict(f"memory of {name}", "too few looks", "3", False)
    per_second = slope(points)
    grown = per_second * (points[-1][0] - points[0][0])
    level = quantile([y for _, y in points], 0.5)
    bound = max(LEEWAY_BYTES, LEEWAY_SHARE * level)
    is_warm = samples.length / 3 >= WARM_SECONDS
    return Verdict(
        f"memory of {name}, growth after warming up",
        f"{grown / 1e6:+.1f} MB at {level / 1e6:.0f} MB ({per_second * 3600 / 1e6:+.0f} MB/h)",
        f"{bound / 1e6:.0f} MB" if is_warm else "too short a run",
        grown <= bound or not is_warm,
    )


def bounded(samples: Samples, name: str, leeway: int) -> Verdict:
    """The most of the last third is about the most of the one before: it does not pile up."""
    before, after = (
        max((int(getattr(s, name)) for s in samples.third(number)), default=0) for number in (2, 3)
    )
    bound = round(1.25 * before) + leeway
    return Verdict(f"{name}, most in the last third", f"{after:,}", f"{bound:,}", after <= bound)


def reused(samples: Samples, opened: float, closed: float) -> Verdict:
    """What a long transaction kept from being cleaned is used again, not added to."""
    during = [s.bytes for s in samples.all if opened <= s.at <= closed]
    if not during:
        return Verdict("size after the long transaction", "no look", "", False)
    bound, end = 1.2 * max(during), samples.all[-1].bytes
    return Verdict(
        "size of the database after the long transaction",
        f"{end / 1e6:.0f} MB",
        f"{bound / 1e6:.0f} MB",
        end <= bound,
    )


def latencies(logs: Sequence[Path]) -> list[tuple[float, float]]:
    """pgbench's own log: when each transaction ended, and its milliseconds since it was due."""
    found = []
    for log in logs:
        for line in log.read_text().splitlines():
            words = line.split()
            if len(words) >= 6 and words[2].isdigit():
                found.append((int(words[4]) + int(words[5]) / 1e6, int(words[2]) / 1000))
    return sorted(found)
