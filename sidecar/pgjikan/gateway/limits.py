"""How many misses one client may cause."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv6Address, ip_address


@dataclass(slots=True)
class _Client:
    #: Questions that are put just now: each may yet turn out to be a miss.
    asking: int = 0
    waiting: int = 0
    allowed_at: float = 0.0
    #: Those whose turn comes when one of these questions is answered.
    queue: deque[asyncio.Future[None]] = field(default_factory=deque)


class MissLimits:
    """How many misses a client may cause: so many at once, so many a minute. Hits are free.

    Whether a question is a miss is known when it is answered, and asked for by then. So each takes
    a miss's place before and gives it back; who finds all places taken by questions has his put a
    moment later, and only who finds them taken by misses is refused.
    """

    _REMEMBERED = 10_000

    def __init__(self, at_once: int, per_minute: int) -> None:
        self._at_once = at_once
        self._burst = 60.0
        self._step = 60.0 / max(per_minute, 1)
        self._clients: OrderedDict[str, _Client] = OrderedDict()

    def __len__(self) -> int:
        return len(self._clients)

    def may_enter(self, client: str) -> bool:
        """Whether ``enter`` would now give a place, at once or when a turn comes."""
        known = self._clients.get(client)
        return known is None or self._may_miss(known)

    async def enter(self, client: str) -> bool:
        """Take a place for a question, to be left; False: this client may cause no miss now."""
        known = self._clients.setdefault(client, _Client())
        while self._may_miss(known):
            places = min(self._at_once - known.waiting, self._room(known))
            if known.asking < places:
                known.asking += 1
                return True
            turn = asyncio.get_running_loop().create_future()
            known.queue.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                self._next(known)
                raise
            # It may have been forgotten, between being nobody's and this turn.
            known = self._clients.setdefault(client, known)
        self._next(known)
        self._forget(client, known)
        return False

    def leave(self, client: str, *, is_miss: bool) -> None:
        """Give the place back; a miss is counted."""
        known = self._clients[client]
        known.asking -= 1
        if is_miss:
            known.allowed_at = max(known.allowed_at, time.monotonic()) + self._step
            self._clients.move_to_end(client)
        self._next(known)
        self._forget(client, known)

    @contextmanager
    def hold(self, client: str) -> Iterator[None]:
        """Count a client among those who wait."""
        known = self._clients.setdefault(client, _Client())
        known.waiting += 1
        try:
            yield
        finally:
            known.waiting -= 1
            self._next(known)
            self._forget(client, known)

    def _may_miss(self, known: _Client) -> bool:
        return known.waiting < self._at_once and self._room(known) >= 1

    def _room(self, known: _Client) -> int:
        """The misses that a client may ask for now, by the minute."""
        ahead = max(known.allowed_at - time.monotonic(), 0.0)
        return int((self._burst - ahead) / self._step + 1e-9)

    def _next(self, known: _Client) -> None:
        while known.queue:
            turn = known.queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _forget(self, client: str, known: _Client) -> None:
        """Remember no more clients than fit, and none that counts as one never seen."""
        if not _is_busy(known) and known.allowed_at <= time.monotonic():
            self._clients.pop(client, None)
        if len(self._clients) > self._REMEMBERED:
            oldest, known = next(iter(self._clients.items()))
            if not _is_busy(known):
                del self._clients[oldest]


def _is_busy(known: _Client) -> bool:
    return bool(known.asking or known.waiting or known.queue)


@lru_cache(10_000)
def counted(client: str) -> str:
    """Whom limits count: an address, or the /64 that one is of, whose owner has all of it."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if address.version == 4:
        return client
    return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
