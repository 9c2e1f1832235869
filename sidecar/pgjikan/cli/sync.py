"""`pgjikan sync season|anime|catalogue`: fetch in bulk, here and now."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

import structlog
import typer
from rich.console import Console

from pgjikan import db, sync_run
from pgjikan.cli.options import AsJson, Dsn, print_json
from pgjikan.cli.progress import counting_bar
from pgjikan.errors import PgjikanError
from pgjikan.settings import read_settings, resolve_dsn

app = typer.Typer(no_args_is_help=True, help="Fetch from upstream in bulk, in the foreground.")

#: A finished catalogue is not walked again within this time, unless asked.
CATALOGUE_IS_NEW = timedelta(days=7)

TERMS = (
    "MyAnimeList's terms: the data is theirs, and people who host Jikan themselves are told not to "
    "build a public database of it. A private mirror for your own app is on your own account. "
    "Without this command pgjikan fetches only what is asked for."
)


class Season(StrEnum):
    """Jikan's seasons."""

    WINTER = "winter"
    SPRING = "spring"
    SUMMER = "summer"
    FALL = "fall"


@app.command()
def season(
    year: Annotated[int | None, typer.Argument(help="Such as 2024.")] = None,
    season: Annotated[Season | None, typer.Argument(help="The season of YEAR.")] = None,
    current: Annotated[bool, typer.Option("--current", help="The season on air.")] = False,
    upcoming: Annotated[bool, typer.Option("--upcoming", help="All that is announced.")] = False,
    dsn: Dsn = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a season's list, page by page; interrupt and repeat at will.

    \b
    Examples:
      pgjikan sync season 2024 fall
      pgjikan sync season --current --json
    """
    if [year is not None and season is not None, current, upcoming].count(True) != 1:
        raise PgjikanError(
            "say which season: YEAR SEASON, --current or --upcoming",
            hint="pgjikan sync season 2024 fall",
        )
    name = "now" if current else "upcoming" if upcoming else str(season)
    with _foreground(dsn) as work:
        run_id = sync_run.start(
            work.connection, kind="season", year=year, season=name, priority="high"
        )
        label = f"season {year} {name}" if year else f"season {name}"
        walked = _walk(work, run_id, label, quiet=as_json)
    if as_json:
        print_json(walked)


@app.command()
def anime(
    mal_ids: Annotated[list[int], typer.Argument(min=1, help="MyAnimeList ids.")],
    dsn: Dsn = None,
    as_json: AsJson = False,
) -> None:
    """Fetch these titles with all their details; exits 1 unless all of them came.

    \b
    Examples:
      pgjikan sync anime 1 5114
      pgjikan sync anime 1 5114 --json
    """
    with _foreground(dsn) as work:
        fetched = _fetch(work, sorted(set(mal_ids)), quiet=as_json)
    if as_json:
        print_json(fetched)
    if fetched["missing"] or fetched["given_up"]:
        raise typer.Exit(1)


@app.command()
def catalogue(
    details: Annotated[
        int,
        typer.Option(min=0, help="Then the details of the N most popular titles that lack them."),
    ] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would cost.")] = (
        False
    ),
    again: Annotated[
        bool, typer.Option("--again", help="Even if the last walk has only just finished.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="You have read about MyAnimeList's terms.")
    ] = False,
    dsn: Dsn = None,
    as_json: AsJson = False,
) -> None:
    """Fetch the core of every title: some 1,100 list pages. Ctrl-C and go on later, at the page.

    \b
    Examples:
      pgjikan sync catalogue --dry-run
      pgjikan sync catalogue --yes --details 500 --json
    """
    out = Console(stderr=True, highlight=False)
    with db.connector(resolve_dsn(dsn), "pgjikan sync")() as connection:
        cost = sync_run.estimate(connection, details)
    if cost.provider is None:
        raise PgjikanError("no provider is enabled", hint="pgjikan provider enable NAME")
    if not as_json:
        typer.echo(
            f"{cost.title_count:,} titles: {cost.page_count:,} pages, "
            f"{cost.request_count:,} requests, "
            f"{_clock(cost.duration)} at the limits of {cost.provider}"
        )
    if dry_run:
        if as_json:
            print_json({**asdict(cost), "duration": round(cost.duration.total_seconds())})
        return
    if not yes:
        out.print(TERMS, style="yellow")
        if not out.is_terminal:
            raise PgjikanError("the catalogue is opt-in", hint="pgjikan sync catalogue --yes")
        typer.confirm("Go on?", abort=True)
    with _foreground(dsn) as work:
        run_id = sync_run.start(
            work.connection,
            kind="catalogue",
            unless_finished_within=None if again else CATALOGUE_IS_NEW,
        )
        done = {"catalogue": _walk(work, run_id, "catalogue", quiet=as_json)}
        if details:
            wanted = sync_run.wanted_details(work.connection, details)
            done["details"] = _fetch(work, wanted, quiet=as_json)
    if as_json:
        print_json(done)
    if "details" in done and done["details"]["given_up"]:
        raise typer.Exit(1)


def register(app_: typer.Typer) -> None:
    """Add the commands to the command line."""
    app_.add_typer(app, name="sync")


def _foreground(dsn: str | None) -> AbstractContextManager[sync_run.Foreground]:
    # one line per request would break the bar; warnings still show
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    return sync_run.foreground(resolve_dsn(dsn), read_settings())


def _walk(work: sync_run.Foreground, run_id: int, label: str, *, quiet: bool) -> dict[str, Any]:
    """Do a run to its end under a bar that counts pages; what came of it, told unless `quiet`."""
    at = sync_run.progress(work.connection, run_id)
    if at.state == "finished":
        if not quiet:
            typer.echo(f"{label}: walked lately, {at.item_count:,} titles; --again walks it again")
        return _report(label, at, walked=False)
    with counting_bar("pages") as bar:
        task = bar.add_task(label, total=at.last_page, completed=at.page_count, detail="")

        def is_done() -> bool:
            nonlocal at
            at = sync_run.progress(work.connection, run_id)
            detail = f"{at.item_count:,} titles"
            bar.update(
                task,
                total=at.last_page,
                completed=at.page_count,
                detail=f"{detail}; {at.trouble}" if at.trouble else detail,
            )
            return at.state != "running"

        finished = work.drain(is_done)
    if not finished:
        raise PgjikanError(
            f"{label}: stopped after page {at.page_count}", hint="The same command goes on there."
        )
    if at.state == "stalled":
        raise PgjikanError(
            f"{label}: page {at.page_count + 1} was given up: {at.trouble}",
            hint="`pgjikan queue dead` tells more; the same command tries it again.",
        )
    if not quiet:
        typer.echo(
            f"{label}: {at.item_count:,} titles on {at.page_count:,} pages in {_clock(at.elapsed)}"
        )
    return _report(label, at, walked=True)


def _report(label: str, at: sync_run.RunProgress, *, walked: bool) -> dict[str, Any]:
    return {
        "list": label,
        "walked": walked,
        "titles": at.item_count,
        "pages": at.page_count,
        "seconds": round(at.elapsed.total_seconds(), 1),
    }


def _fetch(work: sync_run.Foreground, mal_ids: Sequence[int], *, quiet: bool) -> dict[str, int]:
    """Fetch titles under a bar that counts them; what came of them, told unless `quiet`."""
    sync_run.queue_titles(work.connection, mal_ids)
    at = sync_run.titles_progress(work.connection, mal_ids)
    with counting_bar("titles") as bar:
        task = bar.add_task("details", total=len(mal_ids), detail="")

        def is_done() -> bool:
            nonlocal at
            at = sync_run.titles_progress(work.connection, mal_ids)
            bar.update(task, completed=len(mal_ids) - at.pending_count, detail=at.trouble or "")
            return at.pending_count == 0

        finished = work.drain(is_done)
    if not finished:
        raise PgjikanError(
            f"details: stopped, {at.pending_count} titles wait in the queue",
            hint="The same command goes on, or a sidecar does.",
        )
    if not quiet:
        typer.echo(
            f"details: {at.stored_count:,} stored, {at.missing_count:,} unknown upstream, "
            f"{at.dead_count:,} given up"
        )
    return {"stored": at.stored_count, "missing": at.missing_count, "given_up": at.dead_count}


def _clock(duration: timedelta) -> str:
    return str(timedelta(seconds=round(duration.total_seconds())))
