"""`pgjikan deploy|verify|revert|status|log`: the schema, on sqitch's plan and registry."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
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
Registry = Annotated[
    str | None,
    typer.Option(
        envvar="PGJIKAN_REGISTRY",
        help="The schema of sqitch's registry; default: sqitch.",
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show the server's notices too.")]
Wait = Annotated[
    float, typer.Option(min=0, help="Seconds to wait while somebody else deploys or reverts.")
]
CHANGE = "name, name@tag, @tag, ID, @HEAD or @ROOT"


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
    registry: Registry = None,
    to: Annotated[str | None, typer.Option(help=f"The last change to deploy: {CHANGE}.")] = None,
    verify: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Verify each change after it.")
    ] = True,
    mode: Annotated[Mode, typer.Option(help="What to revert on a failure.")] = Mode.ALL,
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
        _project(project, registry),
        to=to,
        mode=mode.value,
        verify=verify,
        lock_timeout=lock_timeout,
        reporter=reporter,
    )
    reporter.message(f"deployed {count} changes" if count else "nothing to deploy: up to date")


def verify(
    dsn: Dsn = None,
    project: ProjectDir = None,
    registry: Registry = None,
    start: Annotated[str | None, typer.Option("--from", help="The first change to verify.")] = None,
    to: Annotated[str | None, typer.Option(help=f"The last change to verify: {CHANGE}.")] = None,
    verbose: Verbose = False,
) -> None:
    """Run the verify script of every deployed change; exits 1 if one fails.

    \b
    Examples:
      pgjikan verify
      pgjikan verify --from functions/search/search
    """
    reporter = ConsoleReporter(verbose)
    count = migrations.verify(
        resolve_dsn(dsn), _project(project, registry), start=start, to=to, reporter=reporter
    )
    reporter.message(f"verified {count} changes")


def revert(
    dsn: Dsn = None,
    project: ProjectDir = None,
    registry: Registry = None,
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
      pgjikan revert --to @v1.0.0
      pgjikan revert --to functions/search/search -y
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
        _project(project, registry),
        to=to,
        confirm=confirm,
        lock_timeout=lock_timeout,
        reporter=reporter,
    )
    reporter.message(f"reverted {count} changes" if count else "nothing to revert")


def status(
    dsn: Dsn = None,
    project: ProjectDir = None,
    registry: Registry = None,
    as_json: AsJson = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 1 if changes are pending too.")
    ] = False,
) -> None:
    """Say what is deployed, what is pending, and which deploy scripts were edited since.

    As with `sqitch status`, pending changes are no failure; it exits 1 if nothing is deployed, if
    what is deployed is not in the plan, or was deployed from another script. `--check` is stricter.

    \b
    Examples:
      pgjikan status
      pgjikan status --check --json
    """
    found = migrations.status(resolve_dsn(dsn), _project(project, registry))
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
    if found.drifted or (check and not found.is_current):
        raise typer.Exit(1)


def log(
    dsn: Dsn = None,
    project: ProjectDir = None,
    registry: Registry = None,
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
    events = migrations.log(resolve_dsn(dsn), _project(project, registry), event=kind)
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


def _project(folder: Path | None, registry: str | None) -> migrations.Project:
    project = migrations.load_project(migrations.find_root(folder))
    return replace(project, registry=registry) if registry else project


def _list(heading: str, names: list[str]) -> None:
    if names:
        print(f"{heading}:", *(f"  {name}" for name in names), sep="\n")
