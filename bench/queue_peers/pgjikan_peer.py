"""pgjikan's own queue, as its sidecar uses it: claim, then complete."""

import sys
import time

import psycopg
from protocol import report, serve


def fill(count: int) -> None:
    with psycopg.connect(autocommit=True) as connection:
        connection.execute(
            "SELECT jikan_sync.enqueue_many('anime', array(SELECT generate_series(1, %s)))", [count]
        )


def enqueue(seconds: float, bulk: int) -> None:
    done, end = 0, time.time() + seconds
    with psycopg.connect(autocommit=True, prepare_threshold=1) as connection:
        while time.time() < end:
            first = 2_000_000 + done
            if bulk == 1:
                connection.execute("SELECT jikan_sync.enqueue('anime', %s)", [first])
            else:
                connection.execute(
                    "SELECT jikan_sync.enqueue_many('anime', %s)",
                    [list(range(first, first + bulk))],
                )
            done += bulk
    report(done, end - seconds)


def work(batch: int, quota: int, seconds: float) -> None:
    done = 0
    with psycopg.connect(autocommit=True, prepare_threshold=1) as connection:
        start = serve()
        while done < quota and time.time() < start + seconds:
            tasks = connection.execute(
                "SELECT id, lease_token FROM jikan_sync.claim('bench', 'jikan', %s)", [batch]
            ).fetchall()
            if not tasks:
                break
            if batch == 1:
                connection.execute("SELECT jikan_sync.complete(%s, %s)", tasks[0])
            else:
                connection.execute(
                    "SELECT jikan_sync.complete_many(%s, %s)",
                    [[task[0] for task in tasks], [task[1] for task in tasks]],
                )
            done += len(tasks)
        report(done, start)


if __name__ == "__main__":
    command, *numbers = sys.argv[1:]
    if command != "setup":  # the bench has deployed the project
        {"fill": fill, "enqueue": enqueue, "work": work}[command](*map(int, numbers))
