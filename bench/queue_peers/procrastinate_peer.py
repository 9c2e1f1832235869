"""procrastinate: its async worker on its psycopg connector, a batch being its concurrency."""

import asyncio
import logging
import os
import sys
import time

import procrastinate
import psycopg
from protocol import report, serve

logging.disable(logging.CRITICAL)
app = procrastinate.App(connector=procrastinate.PsycopgConnector())
done = 0


@app.task(name="noop", queue="bench")
async def noop(number: int) -> None:
    global done
    done += 1


def fill(count: int) -> None:
    with psycopg.connect(autocommit=True) as connection:
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
            " SELECT 'bench', 'noop', jsonb_build_object('number', n)"
            " FROM generate_series(1, %s) AS n",
            [count],
        )
        connection.execute("VACUUM ANALYZE procrastinate_jobs")


async def setup() -> None:
    async with app.open_async():
        await app.schema_manager.apply_schema_async()


async def enqueue(seconds: float, bulk: int) -> None:
    count, end = 0, time.time() + seconds
    async with app.open_async():
        while time.time() < end:
            if bulk == 1:
                await noop.defer_async(number=count)
            else:
                await noop.batch_defer_async(*({"number": count + n} for n in range(bulk)))
            count += bulk
    report(count, end - seconds)


async def work(batch: int, quota: int, seconds: float) -> None:
    async with app.open_async():
        start = serve()
        worker = asyncio.create_task(
            app.run_worker_async(
                queues=["bench"],
                concurrency=batch,
                delete_jobs="successful",
                install_signal_handlers=False,
            )
        )
        while done < quota and time.time() < start + seconds and not worker.done():
            await asyncio.sleep(0.005)
        report(done, start)
        os._exit(0)


if __name__ == "__main__":
    command, *numbers = sys.argv[1:]
    if command == "fill":
        fill(int(numbers[0]))
    else:
        call = {"setup": setup, "enqueue": enqueue, "work": work}[command]
        asyncio.run(call(*map(int, numbers)))
