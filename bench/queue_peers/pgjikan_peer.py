"""pgjikan's own queue, as docs/explanation/queue.md tells a worker to use it: one statement hands
in what is done and claims the next. (graphile-worker does the two at the same time, over two
connections.)
"""

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
    done, tasks = 0, []
    with psycopg.connect(autocommit=True, prepare_threshold=1) as connection:
        cursor = connection.cursor()
        start = serve()
        while done < quota and time.time() < start + seconds:
            cursor.execute(
                "SELECT c.id, c.lease_token"
                " FROM jikan_sync.complete_many(%s, %s)"
                " LEFT JOIN jikan_sync.claim('bench', 'jikan', %s) AS c ON true",
                [[task[0] for task in tasks], [task[1] for task in tasks], batch],
            )
            done += len(tasks)
            tasks = [task for task in cursor if task[0] is not None]
            if not tasks:
                break
        report(done, start)


if __name__ == "__main__":
    command, *numbers = sys.argv[1:]
    if command != "setup":  # the bench has deployed the project
        {"fill": fill, "enqueue": enqueue, "work": work}[command](*map(int, numbers))
