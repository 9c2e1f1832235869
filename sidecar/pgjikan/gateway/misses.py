"""Waiting for what the database does not have yet, once for all who ask the same."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace

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
        self._running: dict[str | None, asyncio.Task[Answer | None]] = {}

    def __len__(self) -> int:
        return len(self._running)

    async def better(self, question: Question, answer: Answer) -> Answer:
        """A better answer as soon as there is one, or the one given after its wait is over.

        To each asker by what he has: what is the same for all who wait is only the answer itself.
        """
        key = answer.question
        task = self._running.get(key)
        if task is None:
            # Without what the asker knows: others may wait for the same and know less.
            whole = replace(question, known=None)
            task = asyncio.create_task(self._wait(whole, answer))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
        # A client that goes away must not end the wait of the others.
        found = await asyncio.shield(task)
        if found is None:
            return answer
        if found.status == 200 and found.headers.get("ETag", "-") in (question.known or ""):
            return replace(found, status=304, body=b"")
        return found

    async def _wait(self, question: Question, answer: Answer) -> Answer | None:
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
        return None


def _fetched(seen: Answer) -> Answer:
    return replace(seen, headers={**seen.headers, "X-Cache-Status": "MISS"}, keep_for=0.0)


def is_better(seen: Answer, before: Answer) -> bool:
    """Whether an answer is another than the one before, and not that there is none.

    One that its asker has (304) is the same as the whole of it.
    """
    if seen.status in (200, 304) and before.status in (200, 304):
        return seen.headers.get("ETag") != before.headers.get("ETag")
    return seen.status != before.status and seen.status < 500
