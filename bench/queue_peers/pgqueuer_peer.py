"""PgQueuer: its PgQueuer.run on asyncpg, with its batch size and its buffered completion."""

import asyncio
import logging
import os
import sys
import time

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from protocol import report, serve

logging.disable(logging.CRITICAL)
done = 0


async def setup() -> None:
    await Queries(AsyncpgDriver(await asyncpg.connect())).install()


async def fill(count: int) -> None:
    connection = await asyncpg.connect()
    queries = Queries(AsyncpgDriver(connection))
    for first in range(0, count, 20_000):
        size = min(20_000, count - first)
        await queries.enqueue(["noop"] * size, [b"1"] * size, [0] * size)
    await connection.execute("VACUUM ANALYZE")


async def enqueue(seconds: float, bulk: int) -> None:
    queries = Queries(AsyncpgDriver(await asyncpg.connect()))
    count, end = 0, time.time() + seconds
    while time.time() < end:
        if bulk == 1:
            await queries.enqueue("noop", b"1")
        else:
            await queries.enqueue(["noop"] * bulk, [b"1"] * bulk, [0] * bulk)
        count += bulk
    report(count, end - seconds)


async def work(batch: int, quota: int, seconds: float) -> None:
    queuer = PgQueuer(AsyncpgDriver(await asyncpg.connect()))

    @queuer.entrypoint("noop")
    async def noop(job: object) -> None:
        global done
        done += 1

    start = serve()
    worker = asyncio.create_task(queuer.run(batch_size=batch))
    while done < quota and time.time() < start + seconds and not worker.done():
        await asyncio.sleep(0.005)
    report(done, start)
    os._exit(0)


if __name__ == "__main__":
    command, *numbers = sys.argv[1:]
    call = {"setup": setup, "fill": fill, "enqueue": enqueue, "work": work}[command]
    asyncio.run(call(*map(int, numbers)))
