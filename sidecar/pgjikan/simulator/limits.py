"""Rate limits by sliding windows: stricter than what providers document, so good for proof."""

from __future__ import annotations

import re
from collections import deque

_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "day": 86_400.0}


class Limits:
    """At most N accepted requests in any stretch of the window's length, for every window."""

    def __init__(self, rules: tuple[str, ...] = ()) -> None:
        self._windows = [(*parse_limit(rule), deque[float]()) for rule in rules]

    def accepts(self, now: float) -> bool:
        """Whether a request at ``now`` (seconds, monotonic) is within all windows; counts it."""
        for _, seconds, arrivals in self._windows:
            while arrivals and arrivals[0] <= now - seconds:
                arrivals.popleft()
        if any(len(arrivals) >= count for count, _, arrivals in self._windows):
            return False
        for _, _, arrivals in self._windows:
            arrivals.append(now)
        return True

    def reset(self) -> None:
        for _, _, arrivals in self._windows:
            arrivals.clear()


def parse_limit(rule: str) -> tuple[int, float]:
    """``3/s``, ``60/min``, ``1000/h``, ``40000/day`` as a count and seconds."""
    found = re.fullmatch(r"(\d+)/(s|min|h|day)", rule.strip())
    if not found or int(found[1]) < 1:
        raise ValueError(f"limit {rule!r}: expected N/s, N/min, N/h or N/day, such as 3/s")
    return int(found[1]), _UNITS[found[2]]
