"""How a peer talks to bench/queue_throughput.py: `setup`, `fill N`, `enqueue SECONDS BULK`,
`work BATCH QUOTA SECONDS`; the database comes in libpq's PG* variables.

A worker says ready, waits for a line, and reports how many tasks it finished and when.
"""

import json
import sys
import time


def serve() -> float:
    """Wait until all workers are connected; return the time of the start."""
    print("ready", flush=True)
    sys.stdin.readline()
    return time.time()


def report(done: int, start: float) -> None:
    print(json.dumps({"done": done, "start": start, "end": time.time()}), flush=True)
