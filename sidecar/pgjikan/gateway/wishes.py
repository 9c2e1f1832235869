"""What a standby lacks, told to the primary; kept, within bounds, while that is away."""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict
from dataclasses import replace

import psycopg
import structlog

from pgjikan.gateway import meters
from pgjikan.gateway.database import AWAY, Answer, Database, Question
from pgjikan.gateway.misses import is_better

log = structlog.get_logger()

#: Seconds in which what was told is not told again: until the answer has come and replicated.
TOLD_SECONDS = 10.0
#: Seconds between two tries to reach a primary that is away: the first, and at most.
BACKOFF = (0.1, 2.0)


class Wishes:
    """Questions that wait to be put to the primary, the oldest first, each once."""

    def __init__(self, primary: Database, bound: int) -> None:
        self._primary = primary
        self._bound = bound
        self._waiting: OrderedDict[str, tuple[Question, asyncio.Future[Answer]]] = OrderedDict()
        self._told: OrderedDict[str, float] = OrderedDict()
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def tell(self, question: Question, lacking: Answer) -> asyncio.Future[Answer] | None:
        """What the primary will answer; None where it is not told: it was lately, or never will be.

        Who waits for a miss needs the primary's answer, so that one is always told.
        """
        key = lacking.question or ""
        waiting = self._waiting.get(key)
        if waiting is not None:
            return waiting[1]
        if not lacking.is_miss and time.monotonic() < self._told.get(key, 0.0):
            return None
        if len(self._waiting) >= self._bound:
            meters.WISHES.labels("dropped").inc()
            return None
        # Whole, as for all who ask: what this one knows does not matter there.
        answer = asyncio.get_running_loop().create_future()
        self._waiting[key] = (replace(question, known=None), answer)
        self._news.set()
        return answer

    async def run(self) -> None:
        """Tell for ever, through any number of lost connections."""
        backoff = BACKOFF[0]
        while True:
            await self._news.wait()
            if not self._waiting:
                self._news.clear()
                continue
            key, (question, future) = next(iter(self._waiting.items()))
            try:
                answer = await self._primary.ask(question)
                if answer.has_wish:
                    await self._primary.look_anew()
                    raise psycopg.OperationalError("the primary only reads")
            except psycopg.errors.QueryCanceled:
                answer = self._give_up(question)
            except AWAY as error:
                if backoff == BACKOFF[0]:
                    log.warning("primary_lost", error=" ".join(str(error).split()))
                await asyncio.sleep(backoff * random.uniform(0.5, 1.0))
                backoff = min(2 * backoff, BACKOFF[1])
                continue
            except psycopg.Error:
                answer = self._give_up(question)
            else:
                meters.WISHES.labels("told").inc()
            backoff = BACKOFF[0]
            del self._waiting[key]
            self._remember(key)
            if not future.done():
                future.set_result(answer)

    def _give_up(self, question: Question) -> Answer:
        """Not the primary's fault, so the question's: it must not hold up the others."""
        log.exception("wish_failed", path=question.path[:200])
        meters.WISHES.labels("failed").inc()
        return Answer(500, {}, b"")

    def _remember(self, key: str) -> None:
        self._told[key] = time.monotonic() + TOLD_SECONDS
        self._told.move_to_end(key)
        while len(self._told) > self._bound:
            self._told.popitem(last=False)


async def known_by(told: asyncio.Future[Answer], answer: Answer) -> Answer:
    """What a primary says that was told; the standby's answer while it is away, or if no worse."""
    done, _ = await asyncio.wait({told}, timeout=answer.wait)
    if not done:
        return replace(answer, is_miss=False)
    known = told.result()
    if known.is_miss:
        return replace(answer, wait=known.wait)
    return known if is_better(known, answer) else replace(answer, is_miss=False)
