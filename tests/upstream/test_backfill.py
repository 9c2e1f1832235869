"""Full speed against a simulator with sliding windows; bench/upstream.py is the long one."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from pgjikan.jikan_lane import JikanLane
from tests.conftest import Simulate

from .conftest import Database

PER_SECOND = 20
SECONDS = 2.0


def test_four_lanes_use_what_is_allowed_and_meet_no_429(
    live: Database, open_lane: Callable[..., JikanLane], simulate: Simulate
) -> None:
    live.unlimited()
    live.run("SELECT jikan_sync.set_provider('tenrai', per_second => %s)", PER_SECOND)
    live.run(
        "SELECT jikan_sync.enqueue_many('anime', array_agg(i)) FROM generate_series(1, 200) AS i"
    )
    with simulate(limits=[f"{PER_SECOND}/s"]) as jikan:
        lanes = [open_lane(jikan.url) for _ in range(4)]
        end = time.monotonic() + SECONDS

        def work(lane: JikanLane) -> None:
            while time.monotonic() < end:
                lane.step()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, lanes))
        stats = jikan.stats()
    assert "429" not in stats["by_status"]
    spacing = 1.25 / PER_SECOND / 0.99  # a second widened by rate_jitter, less rate_headroom
    assert stats["total"] > 1
    times = [request["at"] for request in stats["requests"]]
    assert len(times) <= (times[-1] - times[0] + 0.25) / spacing + 1
