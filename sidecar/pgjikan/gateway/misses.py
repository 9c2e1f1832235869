"""Waiting for what the database does not have yet, once for all who ask the same."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from pgjikan.gateway.bell import Bell
from pgjikan.gateway.database import AWAY, Answer, Database, Question

#: How often to look although nothing was heard: a standby hears nothing, nor does a pooler.
POLL_SECONDS = 0.25


class Waiting:
    """The questions that are being waited for."""

    def __init__(self, database: Database, bell: Bell, primary: Database | None = None) -> None:
        self._database = database
        self._primary = primary
        self._bell = bell
        self._running: dict[tuple[str, str], asyncio.Task[Answer]] = {}

    def __len__(self) -> int:
        return len(self._running)

    async def better(self, question: Question, answer: Answer) -> Answer:
        """A better answer as soon as there is one, or the one given after its wait is over."""
        key = (question.path, question.parameters()["query"])
        task = self._running.get(key)
        if task is None:
            # Without what the asker knows: others may wait for the same and know less.
            whole = replace(question, known=None)
            task = asyncio.create_task(self._wait(whole, answer))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
        # A client that goes away must not end the wait of the others.
        return await asyncio.shield(task)

    async def _wait(self, question: Question, answer: Answer) -> Answer:
        until = time.monotonic() + answer.wait
        while (left := until - time.monotonic()) > 0:
            await self._bell.wait(min(left, POLL_SECONDS))
            seen = await self._database.read(question)
            if is_better(seen, answer):
                return _fetched(seen)
            if not seen.is_miss:
                # The answer came, and is no: nothing better is on its way.
                break
        if self._primary is not None:
            # Stored, and not here yet: a standby that lags is no reason to say that there is none.
            with suppress(*AWAY):
                seen = await self._primary.read(question)
                if is_better(seen, answer):
                    return _fetched(seen)
        return answer


def _fetched(seen: Answer) -> Answer:
    return replace(seen, headers={**seen.headers, "X-Cache-Status": "MISS"}, keep_for=0.0)


def is_better(seen: Answer, before: Answer) -> bool:
    """Whether an answer is another than the one before, and not that there is none."""
    if seen.status != before.status:
        return seen.status != 504
    return seen.status == 200 and seen.headers.get("ETag") != before.headers.get("ETag")


@dataclass(slots=True)
class _Client:
    waiting: int = 0
    allowed_at: float = 0.0


class MissLimits:
    """How many misses a client may cause: so many at once, so many a minute. Hits are free."""

    _REMEMBERED = 10_000

    def __init__(self, at_once: int, per_minute: int) -> None:
        self._at_once = at_once
        self._burst = 60.0
        self._step = 60.0 / max(per_minute, 1)
        self._clients: OrderedDict[str, _Client] = OrderedDict()

    def allows(self, client: str) -> bool:
        """Whether a miss of this client may be asked for now."""
        known = self._clients.get(client)
        if known is None:
            return True
        ahead = known.allowed_at - time.monotonic()
        return known.waiting < self._at_once and ahead <= self._burst - self._step

    @contextmanager
    def hold(self, client: str) -> Iterator[None]:
        """Count a miss against a client while it waits."""
        known = self._clients.setdefault(client, _Client())
        self._clients.move_to_end(client)
        known.waiting += 1
        known.allowed_at = max(known.allowed_at, time.monotonic()) + self._step
        try:
            yield
        finally:
            known.waiting -= 1
            while len(self._clients) > self._REMEMBERED:
                self._clients.popitem(last=False)
