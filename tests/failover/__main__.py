"""python -m tests.failover [--seed N] [--rounds M] [--faults kill,freeze,cut].

docs/how-to/scaling.md tells more. Needs the trixie root and root's rights: make failover.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.failover.run import FAULTS, Run, Stage


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.failover", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--rounds", type=int, default=3, help="of each fault (3)")
    parser.add_argument("--faults", default=",".join(FAULTS), help="which, in one order a round")
    parser.add_argument(
        "--short", action="store_true", help="one kill, and no wait for the killed one's return"
    )
    parser.add_argument("--keep", type=Path, help="copy the logs here")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    if "PGJIKAN_TRIXIE_ROOT" not in os.environ:
        print("the programs are in the trixie root: make failover", file=sys.stderr)
        return 2
    _network_namespace()
    dice = random.Random(given.seed)
    kinds = ["kill"] if given.short else given.faults.split(",")
    faults: list[str] = []
    for _ in range(1 if given.short else given.rounds):
        faults += dice.sample(kinds, len(kinds))
    started = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {words}", flush=True)

    say(f"seed {given.seed}: {' '.join(faults)}")
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-failover-"))
    folder.chmod(0o755)
    try:
        with ExitStack() as stack:
            place = Stage(given.seed, folder, stack)
            say("a primary and two standbys, deployed; two sidecars, two gateways")
            run = Run(place, given.seed, say)
            run.carry_out(faults, is_short=given.short)
            verdict = run.verdict()
        describe(run, place)
    finally:
        if given.keep:
            shutil.copytree(folder, given.keep, dirs_exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
    for name, rows in verdict.items():
        print(f"{'VIOLATED' if rows else 'holds   '} {name}")
        for row in rows[:10]:
            print(f"    {row}")
    violations = sum(bool(rows) for rows in verdict.values())
    say(f"{violations} invariants violated")
    return 1 if violations else 0


def describe(run: Run, place: Stage) -> None:
    """What was measured."""
    for kind in FAULTS:
        seconds = [strike.seconds for strike in run.strikes if strike.kind == kind]
        if seconds:
            each = ", ".join(f"{gap:.1f}" for gap in seconds)
            print(f"seconds without writes after {kind}: {each}")
    print(f"writes: {run.writer.count} acknowledged, {run.writer.refused} refused")
    for reading in run.readings:
        print(
            f"reads, {reading.name}: {reading.done} answered, {len(reading.failed)} failed, "
            f"slowest {reading.slowest:.1f} s"
        )
        for words, times in Counter(map(_in_short, reading.failed)).most_common(5):
            print(f"    {times} times: {words}")
    lags = sorted(run.asker.lags)
    if lags:
        print(
            f"misses through gateways on standbys: {len(lags)} answered, median "
            f"{statistics.median(lags):.2f} s, slowest {lags[-1]:.1f} s, told to wait "
            f"{run.asker.told_to_wait} times"
        )
    evidence = place.evidence
    print(
        f"{run.watch.counts['done']} tasks done, {run.watch.counts['dead']} dead; "
        f"{len(evidence.wishes)} wishes acknowledged; "
        f"{len(evidence.arrivals['jikan'])} requests upstream"
    )


def _in_short(fault: str) -> str:
    """What went wrong, without what is another each time."""
    return " ".join(fault.split())[:200]


def _network_namespace() -> None:
    """Go on in a network of our own, without a way out of it."""
    if "PGJIKAN_FAILOVER_NETWORK" not in os.environ:
        os.environ["PGJIKAN_FAILOVER_NETWORK"] = "1"
        words = ["unshare", "--net", sys.executable, "-m", "tests.failover", *sys.argv[1:]]
        os.execvp("unshare", words)


if __name__ == "__main__":
    sys.exit(main())
