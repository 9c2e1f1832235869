"""`pgjikan sync season|anime|catalogue|recommendations`: fetch in bulk, here and now."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from pgjikan import db, sync_run
from pgjikan.cli.fetching import agree, clock, fetch, foreground, walk
from pgjikan.cli.options import MAX_INTEGER, AsJson, Dsn, print_json
from pgjikan.errors import PgjikanError
from pgjikan.settings import read_settings, resolve_dsn

app = typer.Typer(no_args_is_help=True, help="Fetch from upstream in bulk, in the foreground.")

#: A finished catalogue is not walked again within this time, unless asked.
CATALOGUE_IS_NEW = timedelta(days=7)


class Season(StrEnum):
    """Jikan's seasons."""

    WINTER = "winter"
    SPRING = "spring"
    SUMMER = "summer"
    FALL = "fall"


@app.command()
def season(
    year: Annotated[int | None, typer.Argument(max=MAX_INTEGER, help="Such as 2024.")] = None,
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
    with foreground(dsn) as work:
        run_id = sync_run.start(
            work.connection, kind="season", year=year, season=name, priority="high"
        )
        label = f"season {year} {name}" if year else f"season {name}"
        walked = walk(work, run_id, label, quiet=as_json)
    if as_json:
        print_json(walked)


@app.command()
def anime(
    mal_ids: Annotated[list[int], typer.Argument(min=1, max=MAX_INTEGER, help="MyAnimeList ids.")],
    dsn: Dsn = None,
    as_json: AsJson = False,
) -> None:
    """Fetch these titles with all their details; exits 1 unless all of them came.

    \b
    Examples:
      pgjikan sync anime 1 5114
      pgjikan sync anime 1 5114 --json
    """
    with foreground(dsn) as work:
        fetched = fetch(work, sorted(set(mal_ids)), quiet=as_json)
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
    keys = list(read_settings().server_keys)
    with db.connector(resolve_dsn(dsn), "pgjikan sync")() as connection:
        cost = sync_run.estimate(connection, details, keys)
    if cost.provider is None:
        raise PgjikanError("no provider is enabled", hint="pgjikan provider enable NAME")
    if not as_json:
        typer.echo(
            f"{cost.title_count:,} titles: {cost.page_count:,} pages, "
            f"{cost.request_count:,} requests, "
            f"{clock(cost.duration)} at the limits of {cost.provider}"
        )
    if dry_run:
        if as_json:
            print_json({**asdict(cost), "duration": round(cost.duration.total_seconds())})
        return
    agree("the catalogue is", "pgjikan sync catalogue", yes=yes)
    with foreground(dsn) as work:
        run_id = sync_run.start(
            work.connection,
            kind="catalogue",
            unless_finished_within=None if again else CATALOGUE_IS_NEW,
        )
        done = {"catalogue": walk(work, run_id, "catalogue", quiet=as_json)}
        if details:
            wanted = sync_run.wanted_details(work.connection, details)
            done["details"] = fetch(work, wanted, quiet=as_json)
    if as_json:
        print_json(done)
    if "details" in done and done["details"]["given_up"]:
        raise typer.Exit(1)


@app.command()
def recommendations(
    titles: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_INTEGER,
            help="Of the N most popular titles; 1,000 have 85 % of all pairs.",
        ),
    ] = 1000,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would cost.")] = (
        False
    ),
    yes: Annotated[
        bool, typer.Option("--yes", help="You have read about MyAnimeList's terms.")
    ] = False,
    dsn: Dsn = None,
    as_json: AsJson = False,
) -> None:
    """Fetch what users recommend with the most popular titles: one request per title.

    The most popular go first. Ctrl-C and go on later: what is fresh is not asked for again. Then
    `pgjikan job enable sync_recommendations` adds what is new, in a few requests per week.

    \b
    Examples:
      pgjikan sync recommendations --dry-run
      pgjikan sync recommendations --titles 200 --yes --json
    """
    keys = list(read_settings().server_keys)
    with db.connector(resolve_dsn(dsn), "pgjikan sync")() as connection:
        wanted = sync_run.wanted_facet(connection, "recommendations", titles)
        cost = sync_run.estimate_requests(connection, len(wanted), keys)
    if cost.provider is None:
        raise PgjikanError("no provider is enabled", hint="pgjikan provider enable NAME")
    if not as_json:
        typer.echo(
            f"{len(wanted):,} of the {titles:,} most popular titles are to be asked for: "
            f"{len(wanted):,} requests, {clock(cost.duration)} at the limits of {cost.provider}"
        )
    if dry_run:
        if as_json:
            print_json(
                {
                    "request_count": len(wanted),
                    "provider": cost.provider,
                    "duration": round(cost.duration.total_seconds()),
                }
            )
        return
    if not wanted:
        done = {"stored": 0, "missing": 0, "given_up": 0}
        return print_json(done) if as_json else None
    agree("recommendations in bulk are", "pgjikan sync recommendations", yes=yes)
    with foreground(dsn) as work:
        done = fetch(work, wanted, quiet=as_json, facet="recommendations", label="recommendations")
    if as_json:
        print_json(done)
    if done["given_up"]:
        raise typer.Exit(1)


def register(app_: typer.Typer) -> None:
    """Add the commands to the command line."""
    app_.add_typer(app, name="sync")
