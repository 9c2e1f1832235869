"""Sliding windows: no stretch of a window's length ever holds more than the limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgjikan.client import JikanClient
from pgjikan.simulator.limits import Limits, parse_limit
from tests.conftest import Simulate


def test_two_windows_at_once() -> None:
    limits = Limits(("2/s", "3/min"))
    asked = [0.0, 0.1, 0.2, 1.0, 1.1, 59.9, 60.0, 60.05, 61.0]
    assert [limits.accepts(at) for at in asked] == [
        *(True, True, False),  # 2 in the second
        *(True, False),  # 3 in the minute
        *(False, True, False, True),  # the first ones slide out
    ]
    limits.reset()
    assert limits.accepts(61.0)


@given(st.lists(st.floats(0, 1.5), max_size=60))
def test_no_second_holds_more(gaps: list[float]) -> None:
    limits, now, accepted = Limits(("3/s",)), 0.0, list[float]()
    for gap in gaps:
        now += gap
        if limits.accepts(now):
            accepted.append(now)
    for first, fourth in zip(accepted, accepted[3:], strict=False):
        assert fourth - first >= 1.0 - 1e-9


@pytest.mark.parametrize("rule", ["3", "3/week", "0/s", "-1/s", "x/s", ""])
def test_a_rule_it_does_not_know(rule: str) -> None:
    with pytest.raises(ValueError, match="limit"):
        parse_limit(rule)


def test_over_the_limit_is_429_and_counted(client: JikanClient, simulate: Simulate) -> None:
    with simulate(limits=["2/h"]) as simulator:
        got = [client.fetch("/anime/1", base_url=simulator.url).outcome for _ in range(4)]
        assert got == ["ok", "ok", "rate_limited", "rate_limited"]
        assert simulator.stats()["by_status"] == {"200": 2, "429": 2}
        simulator.reset()
        assert simulator.stats()["total"] == 0
        assert client.fetch("/anime/1", base_url=simulator.url).outcome == "ok"
