"""`pgjikan search|similar|recommend|get`: the SQL face from a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, LiteralString

import psycopg
import typer
from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table

from pgjikan.cli.options import AsJson, Dsn, print_json
from pgjikan.errors import PgjikanError
from pgjikan.settings import resolve_dsn, with_application_name

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

    \b
    Examples:
      pgjikan search 'fullmetal alchemst'
      pgjikan search gundam --type TV --genre mecha --rows 5 --json
      pgjikan search 'a title nobody has' --wait 5
    """
    arguments = {"query": query, "rows": rows, "types": type_, "genres": genre, "nsfw": nsfw}
    target = resolve_dsn(dsn)
    if wait:
        found = _rows(
            target,
            "CALL anime.search_live(query => %(query)s, results => NULL, wait => %(wait)s, "
            "max_rows => %(rows)s, types => %(types)s, genres => %(genres)s, nsfw => %(nsfw)s)",
            {**arguments, "wait": f"{wait} s"},
        )[0]["results"]["results"]
    else:
        found = _rows(
            target,
            "SELECT s.* FROM anime.search(query => %(query)s, max_rows => %(rows)s, "
            "types => %(types)s, genres => %(genres)s, nsfw => %(nsfw)s) AS s",
            arguments,
        )
    _show(found, ("mal_id", "title", "type", "year", "score", "match", "freshness"), as_json)


def similar(
    mal_id: Annotated[int, typer.Argument(help="The anime to start from.")],
    rows: Rows = 10,
    dsn: Dsn = None,
    as_json: AsJson = False,
) -> None:
    """Show the nearest anime by vector.

    \b
    Examples:
      pgjikan similar 5680
      pgjikan similar 1 --rows 3 --json
    """
    found = _rows(
        resolve_dsn(dsn),
        "SELECT s.* FROM anime.similar(mal_id => %(mal_id)s, max_rows => %(rows)s) AS s",
        {"mal_id": mal_id, "rows": rows},
    )
    _show(found, ("mal_id", "title", "type", "year", "score", "similarity"), as_json)


def recommend(
    liked: Annotated[list[int], typer.Argument(help="mal_ids of what you liked.")],
    disliked: Annotated[list[int] | None, typer.Option(help="mal_ids of what you did not.")] = None,
    rows: Rows = 10,
    dsn: Dsn = None,
    as_json: AsJson = False,
) -> None:
    """Recommend anime near what you liked and away from what you did not.

    \b
    Examples:
      pgjikan recommend 1535 13601
      pgjikan recommend 1535 13601 --disliked 20 --json
    """
    found = _rows(
        resolve_dsn(dsn),
        "SELECT r.* FROM anime.recommend(liked => %(liked)s, disliked => %(disliked)s, "
        "max_rows => %(rows)s) AS r",
        {"liked": liked, "disliked": disliked or [], "rows": rows},
    )
    _show(found, ("mal_id", "title", "type", "year", "score", "similarity"), as_json)


def get(
    mal_id: Annotated[int, typer.Argument(help="The anime.")],
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
    row = _rows(resolve_dsn(dsn), "SELECT anime.get(%(mal_id)s) AS anime", {"mal_id": mal_id})[0]
    if row["anime"] is None:
        raise PgjikanError(
            f"anime {mal_id} is not in the database yet; it has been queued",
            hint="With a sidecar running, ask again in a second.",
        )
    if as_json:
        print_json(row["anime"])
    else:
        typer.echo(json.dumps(row["anime"], ensure_ascii=False, indent=2))


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (search, similar, recommend, get):
        app.command()(command)


def _rows(dsn: str, query: LiteralString, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    conninfo = with_application_name(dsn, "pgjikan")
    with psycopg.connect(conninfo, autocommit=True, row_factory=dict_row) as connection:
        return connection.execute(query, parameters).fetchall()


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


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
