"""The soak's judges see what grows, and only that."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.soak.load import scripts, starter
from tests.soak.measure import (
    Sample,
    Samples,
    anonymous_bytes,
    bounded,
    flat_memory,
    latencies,
    quantile,
    reused,
    slope,
)

MB = 1_000_000


def run(length: float = 300, **series: list[int]) -> Samples:
    """Looks spread evenly over a run; what is not given stays as it is."""
    count = len(next(iter(series.values())))
    samples = Samples(length)
    for place in range(count):
        value = {name: values[place] for name, values in series.items()}
        samples.all.append(
            Sample(
                at=length * place / count,
                memory={"it": value.get("memory", 0)},
                tasks=value.get("tasks", 0),
                history=value.get("history", 0),
                bytes=value.get("bytes", 0),
            )
        )
    return samples


def test_a_slope_is_what_grows_a_second() -> None:
    assert slope([(0, 5), (1, 7), (2, 9)]) == pytest.approx(2)
    assert slope([(0, 5), (1, 6), (2, 5)]) == pytest.approx(0)
    assert slope([(3, 5)]) == 0


@pytest.mark.parametrize(
    ("memory", "holds"),
    [
        ([10 * MB, 60 * MB, 100 * MB] + [100 * MB] * 6, True),  # only warms up
        ([100 * MB] * 3 + [(100 + n % 2 * 9) * MB for n in range(6)], True),  # breathes
        ([100 * MB] * 3 + [(100 + 10 * n) * MB for n in range(6)], False),  # leaks
        ([10 * MB] * 3 + [(10 + n) * MB for n in range(6)], False),  # leaks slowly, being small
        ([100 * MB] * 3 + [(100 - 10 * n) * MB for n in range(6)], True),  # shrinks
    ],
)
def test_a_leak_is_told_from_warming_up(memory: list[int], holds: bool) -> None:
    assert flat_memory(run(memory=memory), "it").holds is holds


def test_a_short_run_reports_memory_and_judges_none() -> None:
    verdict = flat_memory(run(30, memory=[n * 100 * MB for n in range(9)]), "it")
    assert verdict.holds
    assert verdict.bound == "too short a run"


def test_memory_nobody_looked_at_is_no_proof() -> None:
    assert not flat_memory(run(memory=[1, 2, 3]), "another").holds


@pytest.mark.parametrize(
    ("tasks", "holds"),
    [
        ([9, 9, 9, 500, 400, 500, 510, 400, 500], True),
        ([0, 0, 0, 100, 200, 300, 400, 500, 600], False),
    ],
)
def test_what_piles_up_is_seen(tasks: list[int], holds: bool) -> None:
    assert bounded(run(tasks=tasks), "tasks", leeway=10).holds is holds


@pytest.mark.parametrize("end", [110, 130])
def test_space_is_used_again_or_not(end: int) -> None:
    samples = run(bytes=[50, 50, 50, 60, 80, 100, 100, 100, end])
    assert reused(samples, 100, 200).holds is (end <= 120)
    assert not reused(samples, 1000, 2000).holds, "nobody looked"


def test_a_process_has_memory_of_its_own_while_it_lives() -> None:
    before = anonymous_bytes(os.getpid())
    ballast = bytearray(b"x" * (64 << 20))
    after = anonymous_bytes(os.getpid())
    assert before is not None and after is not None
    assert after - before > len(ballast) / 2
    assert anonymous_bytes(2**22 + 1) is None


def test_latencies_are_read_from_what_pgbench_writes(tmp_path: Path) -> None:
    log = tmp_path / "latency.1"
    # client, transaction, microseconds, script, seconds, microseconds, lag; one was skipped
    log.write_text("0 1 2500 3 1700000001 500000 12\n1 1 skipped 0 1700000000 0 9\n"
                   "1 2 1500 3 1700000000 250000 12\n")  # fmt: skip
    assert latencies([log]) == [(1700000000.25, 1.5), (1700000001.5, 2.5)]
    assert quantile([3, 1, 2], 0.99) == 3
    assert quantile([], 0.99) == 0


def test_scripts_are_a_hundred_and_carry_no_quote(tmp_path: Path) -> None:
    words = scripts(starter(), tmp_path, random.Random(1))
    texts = [Path(word).read_text() for word in words if word != "-f"]
    assert len(texts) == 100
    assert all(text.count("'") in (0, 2) and ":" not in text for text in texts)
    assert texts == [
        Path(word).read_text()
        for word in scripts(starter(), tmp_path, random.Random(1))
        if word != "-f"
    ]
