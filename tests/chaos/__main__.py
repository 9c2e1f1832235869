"""python -m tests.chaos [--seed N] [--kills N | --minutes M]: break everything, lose nothing."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from tests.chaos.invariants import wasted_calls
from tests.chaos.run import Progress, Run
from tests.chaos.schedule import KILLS_A_SECOND, Schedule, schedule
from tests.chaos.stage import Stage, stage

console = Console(highlight=False)


def arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--kills", type=int, default=200, help="sidecars to kill (200)")
    length.add_argument("--minutes", type=float, help="instead: how long to go on killing")
    parser.add_argument("--keep", type=Path, help="copy the logs of server and sidecars here")
    return parser.parse_args(words)


def main() -> int:
    given = arguments(sys.argv[1:])
    _mount_namespace()
    kills = given.kills
    if given.minutes is not None:
        kills = max(1, round(given.minutes * 60 * KILLS_A_SECOND))
    plan = schedule(given.seed, kills)
    replay = f"python -m tests.chaos --seed {given.seed} --kills {kills}"
    console.print(f"seed {given.seed}: {kills} kills, {sum(map(len, plan.fronts))} other faults")
    started = time.monotonic()
    with stage(given.seed) as place:
        if place.disk is None:
            console.print("no small disk can be mounted here: it is read-only where it were full")
        try:
            violations = perform(place, plan)
        finally:
            if given.keep:
                given.keep.mkdir(parents=True, exist_ok=True)
                for log in (*place.folder.glob("*.log"), place.server.log):
                    shutil.copy(log, given.keep)
    console.print(f"{time.monotonic() - started:.0f} s in all")
    if violations:
        console.print(f"[bold red]{violations} invariants are violated; again with:[/] {replay}")
    return 1 if violations else 0


def perform(place: Stage, plan: Schedule) -> int:
    """Run with a bar, print what was seen, answer how many invariants are violated."""
    with Bar(
        TextColumn("{task.description}"),
        BarColumn(20),
        TextColumn("{task.completed}/{task.total} kills, {task.fields[more]}, ETA"),
        TimeRemainingColumn(compact=True),
        console=console,
    ) as bar:
        task = bar.add_task("starting", total=len(plan.kills), more="")

        def report(progress: Progress) -> None:
            more = f"{progress.faults} faults, {progress.done} done, {progress.waiting} wait"
            bar.update(
                task, completed=progress.kills, description=progress.phase, more=more, refresh=True
            )

        run = Run(place, plan, report)
        try:
            run.carry_out()
        finally:
            place.fleet.stop()
    verdict = run.verdict()
    describe(run, place)
    for name, rows in verdict.items():
        console.print(f"{'[red]VIOLATED' if rows else '[green]holds'}[/] {name}")
        for row in rows[:10]:
            console.print(f"    {row}", markup=False)
        if len(rows) > 10:
            console.print(f"    and {len(rows) - 10} more")
    return sum(bool(rows) for rows in verdict.values())


def describe(run: Run, place: Stage) -> None:
    evidence = place.evidence
    faults = ", ".join(f"{kind} {count}" for kind, count in sorted(run.faults.count.items()))
    console.print(f"{run.kills} kills of {len(evidence.lives)} sidecars; {faults}")
    console.print(
        f"{run.watch.counts['done']} tasks done, {run.watch.counts['dead']} dead, "
        f"{run.watch.counts['vanished']} times a lease of the dead ran out; "
        f"{len(evidence.wishes)} wishes of {len(evidence.states)} titles acknowledged, "
        f"{run.load.refused} calls refused; {len(evidence.arrivals['jikan'])} requests upstream, "
        f"{len(evidence.paid)} paid, {wasted_calls(evidence).total()} of them for nothing; "
        f"{run.watch.looks} looks at the leases"
    )


def _mount_namespace() -> None:
    """As root, go on where a mount is nobody else's, and gone with this process."""
    unshare = shutil.which("unshare")
    if os.geteuid() == 0 and unshare and "PGJIKAN_CHAOS_MOUNTS" not in os.environ:
        os.environ["PGJIKAN_CHAOS_MOUNTS"] = "1"
        words = [unshare, "--mount", sys.executable, "-m", "tests.chaos", *sys.argv[1:]]
        os.execv(unshare, words)


if __name__ == "__main__":
    sys.exit(main())
