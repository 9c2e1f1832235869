"""The gateway's ear: what the database notifies wakes whoever waits, and ends what is kept."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import psycopg
import structlog

from pgjikan.gateway.database import AWAY
from pgjikan.gateway.kept import Kept

log = structlog.get_logger()

#: What wakes whoever waits.
AWAITED = ("anime_stored", "anime_search")
CHANNELS = (*AWAITED, "anime_changed")


class Bell:
    """Hears that something was stored: wakes whoever waits, and has `kept` forgotten."""

    def __init__(self, conninfo: str, kept: Kept) -> None:
        self._conninfo = conninfo
        self._kept = kept
        self._rung = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Until something is stored, or for so long."""
        rung = self._rung
        with suppress(TimeoutError):
            await asyncio.wait_for(rung.wait(), seconds)

    def ring(self) -> None:
        """Wake everybody who waits now."""
        self._rung.set()
        self._rung = asyncio.Event()

    async def run(self) -> None:
        """Listen for ever, through any number of lost connections."""
        backoff = 0.1
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._conninfo, autocommit=True
                ) as connection:
                    for channel in CHANNELS:
                        await connection.execute(f"LISTEN {channel}")
                    backoff = 0.1
                    self._kept.hear(True)
                    self.ring()
                    async for heard in connection.notifies():
                        self._kept.forget()
                        if heard.channel in AWAITED:
                            self.ring()
            # A standby cannot listen; it may be the primary some day.
            except (*AWAY, psycopg.errors.ReadOnlySqlTransaction) as error:
                log.warning("listener_lost", error=" ".join(str(error).split()))
            finally:
                self._kept.hear(False)
            await asyncio.sleep(backoff * random.uniform(0.5, 1.0))
            backoff = min(2 * backoff, 30.0)
