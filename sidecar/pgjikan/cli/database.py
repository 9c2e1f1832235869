"""`pgjikan deploy|verify|revert|status|log`: the schema, on sqitch's plan and registry."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pgjikan import migrations
from pgjikan.cli.options import AsJson, Dsn, print_json
from pgjikan.cli.reporter import ConsoleReporter
from pgjikan.errors import PgjikanError
from pgjikan.settings import resolve_dsn

ProjectDir = Annotated[
    Path | None,
    typer.Option(
        "--project", envvar="PGJIKAN_PROJECT", help="The folder of sqitch.plan; default: built in."
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show the server's notices too.")]
Wait = Annotated[
    float, typer.Option(min=0, help="Seconds to wait while somebody else deploys or reverts.")
]
CHANGE = "name, name@tag, @tag, ID, @HEAD, @ROOT; ^ and ~ step back and forth"


class Mode(StrEnum):
    """What to take back when a change fails: all of this run, what follows a tag, or nothing."""

    ALL = "all"
    TAG = "tag"
    CHANGE = "change"


class EventKind(StrEnum):
    """The kinds of entries in the log."""

    DEPLOY = "deploy"
    REVERT = "revert"
    FAIL = "fail"


def deploy(
    dsn: Dsn = None,
    project: ProjectDir = None,
    to: Annotated[str | None, typer.Option(help=f"The last change to deploy: {CHANGE}.")] = None,
    verify: Annotated[
        bool | None,
        typer.Option("--verify/--no-verify", help="Verify each change; default: sqitch.conf."),
    ] = None,
    mode: Annotated[
        Mode | None, typer.Option(help="What to revert on a failure; default: sqitch.conf, or all.")
    ] = None,
    lock_timeout: Wait = migrations.LOCK_TIMEOUT,
    verbose: Verbose = False,
) -> None:
    """Deploy the changes that the database lacks; fine to run twice, and by two at once.

    \b
    Examples:
      pgjikan deploy
      pgjikan deploy --dsn postgresql://me@db.example/anime --verbose
      pgjikan deploy --to @v1 --mode change
    """
    reporter = ConsoleReporter(verbose)
    count = migrations.deploy(
        resolve_dsn(dsn),
        _project(project),
        to=to,
        mode=mode.value if mode else None,
        verify=verify,
        lock_timeout=lock_timeout,
        reporter=reporter,
    )
    reporter.message(f"deployed {count} changes" if count else "nothing to deploy: up to date")


def verify(
    dsn: Dsn = None,
    project: ProjectDir = None,
    start: Annotated[str | None, typer.Option("--from", help="The first change to verify.")] = None,
    to: Annotated[str | None, typer.Option(help=f"The last change to verify: {CHANGE}.")] = None,
    verbose: Verbose = False,
) -> None:
    """Run the verify script of every deployed change; exits 1 if one fails.

    \b
    Examples:
      pgjikan verify
      pgjikan verify --from functions/search
    """
    reporter = ConsoleReporter(verbose)
    count = migrations.verify(
        resolve_dsn(dsn), _project(project), start=start, to=to, reporter=reporter
    )
    reporter.message(f"verified {count} changes")


def revert(
    dsn: Dsn = None,
    project: ProjectDir = None,
    to: Annotated[
        str | None, typer.Option(help=f"The change to go back to, which stays: {CHANGE}.")
    ] = None,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    lock_timeout: Wait = migrations.LOCK_TIMEOUT,
    verbose: Verbose = False,
) -> None:
    """Revert changes, newest first, and with them the data they hold; asks before.

    \b
    Examples:
      pgjikan revert --to @HEAD^
      pgjikan revert --to functions/search -y
    """
    reporter = ConsoleReporter(verbose)

    def confirm(changes: Sequence[migrations.Change]) -> bool:
        if yes:
            return True
        if not sys.stdin.isatty():
            raise PgjikanError(
                f"reverting {len(changes)} changes deletes what they hold",
                hint="without a terminal to ask on, say that you mean it with -y",
            )
        return typer.confirm(f"Revert {len(changes)} changes, down to {changes[-1].title}?")

    count = migrations.revert(
        resolve_dsn(dsn),
        _project(project),
        to=to,
        confirm=confirm,
        lock_timeout=lock_timeout,
        reporter=reporter,
    )
    reporter.message(f"reverted {count} changes" if count else "nothing to revert")


def status(
    dsn: Dsn = None,
    project: ProjectDir = None,
    as_json: AsJson = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 1 too if changes are pending or scripts drifted.")
    ] = False,
) -> None:
    """Say what is deployed, what is pending, and which deploy scripts were edited since.

    As with `sqitch status`, pending changes are no failure; it exits 1 if nothing is deployed, or
    what is deployed is not in the plan. `--check` is stricter, as `sqitch check`.

    \b
    Examples:
      pgjikan status
      pgjikan status --check --json
    """
    found = migrations.status(resolve_dsn(dsn), _project(project))
    if as_json:
        print_json(asdict(found))
    else:
        last = found.last
        print(f"{found.project}: {found.deployed_count} changes deployed, the last")
        print(f"  {' '.join([last.name, *last.tag_names])} ({last.id})")
        print(f"  {last.committed_at} by {last.committer_name} <{last.committer_email}>")
        _list("pending", found.pending)
        _list("edited after it was deployed", found.drifted)
        if found.is_current:
            print("up to date")
    if check and not found.is_current:
        raise typer.Exit(1)


def log(
    dsn: Dsn = None,
    project: ProjectDir = None,
    event: Annotated[EventKind | None, typer.Option(help="Only events of this kind.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what was deployed, reverted or failed, newest first.

    \b
    Examples:
      pgjikan log
      pgjikan log --event fail --json
    """
    kind = event.value if event else None
    events = migrations.log(resolve_dsn(dsn), _project(project), event=kind)
    if as_json:
        print_json(events)
        return
    for entry in events:
        title = " ".join([f"{entry['project']}:{entry['change']}", *entry["tags"]])
        when = f"{entry['committed_at']:%Y-%m-%d %H:%M:%S%z}"
        print(f"{when} {entry['event']:<6} {title} by {entry['committer_name']}")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (deploy, verify, revert, status, log):
        app.command()(command)


def _project(folder: Path | None) -> migrations.Project:
    return migrations.load_project(migrations.find_root(folder))


def _list(heading: str, names: list[str]) -> None:
    if names:
        print(f"{heading}:", *(f"  {name}" for name in names), sep="\n")
