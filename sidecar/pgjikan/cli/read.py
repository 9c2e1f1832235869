"""`pgjikan search|similar|recommend|get|facet`: the SQL face from a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pgjikan.cli.options import MAX_INTEGER, AsJson, Dsn, print_json
from pgjikan.cli.questions import ask
from pgjikan.errors import PgjikanError
from pgjikan.mal_list import read_mal_list

#: What `anime.search_status` says of a query that the database does not answer with confidence.
UPSTREAM = {
    "pending": "an upstream is asked where a sidecar runs: look again, or with --wait 5",
    "unavailable": "no upstream answers now (pgjikan health)",
    "unknown": "no upstream was asked",
}
Rows = Annotated[int, typer.Option(min=1, max=100, help="At most so many rows.")]


def search(
    query: Annotated[str, typer.Argument(help="What to look for: a title, part of it, initials.")],
    rows: Rows = 10,
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="TV, Movie …; may be given again.")
    ] = None,
    genre: Annotated[list[str] | None, typer.Option(help="All of these genres.")] = None,
    nsfw: Annotated[bool, typer.Option(help="Adult titles too.")] = False,
    wait: Annotated[
        float,
        typer.Option(min=0, max=60, help="Seconds to wait for upstream when nothing fits well."),
    ] = 0.0,
    dsn: Dsn = None,
    as_json: AsJson = False,
) -> None:
    """Search titles, as apps do with `SELECT * FROM anime.search(…)`.

    Where the database is not sure of its answer, a line on standard error says so, and whether an
    upstream is asked.

    \b
    Examples:
      pgjikan search 'fullmetal alchemst'
      pgjikan search gundam --type TV --genre mecha --rows 5 --json
      pgjikan search 'a title nobody has' --wait 5
    """
    arguments = {"query": query, "rows": rows, "types": type_, "genres": genre, "nsfw": nsfw}
    if wait:
        found = ask(
            dsn,
            "CALL anime.search_live(query => %(query)s, results => NULL, wait => %(wait)s, "
            "max_rows => %(rows)s, types => %(types)s, genres => %(genres)s, nsfw => %(nsfw)s)",
            **arguments,
            wait=f"{wait} s",
        )[0]["results"]["results"]
    else:
        found = ask(
            dsn,
            "SELECT s.* FROM anime.search(query => %(query)s, max_rows => %(rows)s, "
            "types => %(types)s, genres => %(genres)s, nsfw => %(nsfw)s) AS s",
            **arguments,
        )
    _show(found, ("mal_id", "title", "type", "year", "score", "match", "freshness"), as_json)
    if not as_json:
        _tell_doubt(dsn, query, "these only resemble" if found else "no title is like")


def similar(
    mal_id: Annotated[int, typer.Argument(max=MAX_INTEGER, help="The anime to start from.")],
    rows: Rows = 10,
    dsn: Dsn = None,
    as_json: AsJson = False,
) -> None:
    """Show what goes with an anime: what people recommend with it, then what is alike.

    \b
    Examples:
      pgjikan similar 5680
      pgjikan similar 1 --rows 3 --json
    """
    found = ask(
        dsn,
        "SELECT s.* FROM anime.similar(mal_id => %(mal_id)s, max_rows => %(rows)s) AS s",
        mal_id=mal_id,
        rows=rows,
    )
    _show(found, ("mal_id", "title", "type", "year", "score", "why"), as_json)


def recommend(
    liked: Annotated[
        list[int] | None,
        typer.Argument(max=MAX_INTEGER, help="mal_ids of what you liked.", show_default=False),
    ] = None,
    disliked: Annotated[
        list[int] | None, typer.Option(max=MAX_INTEGER, help="mal_ids of what you did not.")
    ] = None,
    mal_list: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.xml[.gz]",
            exists=True,
            dir_okay=False,
            help="Your list as MyAnimeList exports it, instead of mal_ids.",
        ),
    ] = None,
    rows: Rows = 10,
    dsn: Dsn = None,
    as_json: AsJson = False,
) -> None:
    """Recommend anime by what you liked, or by your own list with its scores.

    \b
    Examples:
      pgjikan recommend 1535 13601
      pgjikan recommend 1535 13601 --disliked 20 --json
      pgjikan recommend --mal-list animelist_1700000000_-_1.xml.gz
    """
    if (mal_list is None) == (not liked) or (mal_list is not None and disliked):
        raise typer.BadParameter("Pass mal_ids of what you liked, or --mal-list alone.")
    if mal_list is not None:
        seen = read_mal_list(mal_list)
        if not any(entry.score for entry in seen):
            raise PgjikanError(
                f"no completed anime of {mal_list} has a score: there is no taste to go by",
                hint="Score some on MyAnimeList and export again, or name what you liked: "
                "pgjikan recommend MAL_ID …",
            )
        scores = [{"mal_id": entry.mal_id, "score": entry.score} for entry in seen]
        found = ask(
            dsn,
            "SELECT r.* FROM anime.recommend_for(scores => %(scores)s::jsonb, "
            "max_rows => %(rows)s) AS r",
            scores=json.dumps(scores),
            rows=rows,
        )
    else:
        found = ask(
            dsn,
            "SELECT r.* FROM anime.recommend(liked => %(liked)s, disliked => %(disliked)s, "
            "max_rows => %(rows)s) AS r",
            liked=liked,
            disliked=disliked or [],
            rows=rows,
        )
    _show(found, ("mal_id", "title", "type", "year", "score", "why"), as_json)


def get(
    mal_id: Annotated[int, typer.Argument(max=MAX_INTEGER, help="The anime.")],
    dsn: Dsn = None,
    as_json: AsJson = False,
) -> None:
    """Print everything about one anime; an unknown one is queued, and it exits 1: ask again.

    It is JSON either way; --json puts it on one line.

    \b
    Examples:
      pgjikan get 1
      pgjikan get 5114 --json
    """
    row = ask(dsn, "SELECT anime.get(%(mal_id)s) AS anime", mal_id=mal_id)[0]
    if row["anime"] is None:
        raise PgjikanError(
            f"anime {mal_id} is not in the database yet; it has been queued",
            hint="With a sidecar running, ask again in a second.",
        )
    if as_json:
        print_json(row["anime"])
    else:
        typer.echo(json.dumps(row["anime"], ensure_ascii=False, indent=2))


def facet(
    mal_id: Annotated[int, typer.Argument(max=MAX_INTEGER, help="The anime.")],
    name: Annotated[
        str | None,
        typer.Argument(help="The facet, such as characters; without one: how fresh each is."),
    ] = None,
    dsn: Dsn = None,
    as_json: AsJson = False,
) -> None:
    """Print a facet of an anime as Jikan has it: characters, staff, episodes, videos and so on.

    What is stale or was never fetched is queued. Where nothing is there yet it exits 1: ask again.
    It is JSON either way; --json puts it on one line.

    \b
    Examples:
      pgjikan facet 1
      pgjikan facet 1 characters --json
    """
    if name is None:
        row = ask(dsn, "SELECT anime.get(%(mal_id)s) -> 'freshness' AS found", mal_id=mal_id)[0]
    else:
        row = ask(
            dsn,
            "SELECT anime.facet(mal_id => %(mal_id)s, facet => %(name)s) AS found",
            mal_id=mal_id,
            name=name,
        )[0]
    found = row["found"]
    if found is None or (name is not None and found["data"] is None):
        raise PgjikanError(
            f"{name or 'anime'} of {mal_id} is not in the database yet; it has been queued",
            hint="With a sidecar running, ask again in a second.",
        )
    if name is None:
        rows = [{"facet": key, **age} for key, age in found.items()]
        _show(rows, ("facet", "state", "synced_at"), as_json)
    elif as_json:
        print_json(found)
    else:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (search, similar, recommend, get, facet):
        app.command()(command)


def _show(rows: Sequence[dict[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    if not rows:
        typer.echo("nothing found")
        return
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(_text(row.get(column)) for column in columns))
    Console().print(table)


def _tell_doubt(dsn: str | None, query: str, doubt: str) -> None:
    """Say what comes of it where the database is not sure that it has what was looked for."""
    [row] = ask(dsn, "SELECT s.* FROM anime.search_status(query => %(query)s) AS s", query=query)
    told = UPSTREAM.get(row["state"])
    if row["state"] == "fetched" and not row["found_count"]:
        told = "an upstream was asked, and has none either"
    if told is not None:
        typer.echo(f"{doubt} {query!r}: {told}", err=True)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
