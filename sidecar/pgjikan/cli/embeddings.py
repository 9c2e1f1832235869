"""`pgjikan embeddings status|add|backfill|switch|drop`: models, their coverage, and the change."""

from __future__ import annotations

from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from pgjikan.cli.backfill import drain
from pgjikan.cli.options import MAX_INTEGER, AsJson, Dsn, print_json
from pgjikan.cli.questions import open_database, value
from pgjikan.embedders import load_embedder
from pgjikan.errors import PgjikanError
from pgjikan.settings import read_settings, resolve_dsn

app = typer.Typer(no_args_is_help=True, help="Embedding models: coverage, backfill, switch.")

Model = Annotated[str, typer.Argument(help="Its id, NAME, PROVIDER/NAME or PROVIDER/NAME/DIMS.")]


@app.command()
def status(dsn: Dsn = None, as_json: AsJson = False) -> None:
    """Show each model: status, coverage, size, and why its provider is left alone, if it is.

    \b
    Examples:
      pgjikan embeddings status
      pgjikan embeddings status --json
    """
    with open_database(dsn) as connection:
        rows = connection.execute("SELECT s.* FROM jikan_sync.embedding_status() AS s").fetchall()
    if as_json:
        print_json(rows)
        return
    table = Table("id", "model", "status", "coverage", "MB", "blocked", box=None, pad_edge=False)
    for row in rows:
        table.add_row(
            str(row["id"]),
            f"{row['provider']}/{row['name']}/{row['dimensions']}",
            row["status"],
            f"{row['current_count']:,} of {row['title_count']:,} ({row['coverage']:.1%})",
            f"{row['size_bytes'] / 2**20:.0f}",
            f"until {row['blocked_until']:%H:%M} {row['blocked_reason']}"
            if row["blocked_until"]
            else "",
        )
    Console().print(table)
    if rows:
        typer.echo(f"{rows[0]['waiting_count']:,} waiting, {rows[0]['dead_count']:,} given up")


@app.command()
def add(
    provider: Annotated[str, typer.Argument(help="local, google or google-legacy.")],
    name: Annotated[str, typer.Argument(help="The provider's name: gemini-embedding-001 …")],
    dimensions: Annotated[
        int, typer.Argument(max=MAX_INTEGER, help="Length of its vectors: 768 …")
    ],
    price: Annotated[
        float, typer.Option(min=0, help="US dollars for a million tokens, for estimates.")
    ] = 0.0,
    dsn: Dsn = None,
    as_json: AsJson = False,
) -> None:
    """Add a model beside the active one; until `backfill` only new titles are embedded.

    \b
    Examples:
      pgjikan embeddings add google gemini-embedding-001 768 --price 0.15
    """
    load_embedder(provider, name, dimensions, read_settings())
    with open_database(dsn) as connection:
        model_id = value(
            connection,
            "SELECT jikan_sync.add_embedding_model("
            "provider => %(provider)s, name => %(name)s, dimensions => %(dimensions)s, "
            "price => %(price)s::numeric)",
            provider=provider,
            name=name,
            dimensions=dimensions,
            price=price,
        )
    if as_json:
        print_json({"model_id": model_id})
        return
    typer.echo(f"model {model_id} added; next: pgjikan embeddings backfill {model_id} --estimate")


@app.command()
def backfill(
    model: Model,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what it takes; queue and spend nothing.")
    ] = False,
    dsn: Dsn = None,
    as_json: AsJson = False,
) -> None:
    """Embed every title that lacks a current vector of MODEL; interrupt and repeat at will.

    Exits 1 when titles are left without one.

    \b
    Examples:
      pgjikan embeddings backfill 2 --estimate
      pgjikan embeddings backfill gemini-embedding-001 --json
    """
    target = resolve_dsn(dsn)
    with open_database(target) as connection:
        model_id = _find(connection, model)
        if estimate:
            _print_estimate(connection, model_id, as_json)
            return
        queued = value(
            connection,
            "SELECT jikan_sync.backfill_embeddings(model_id => %(model_id)s)",
            model_id=model_id,
        )
        done = drain(target, connection, model_id)
    if as_json:
        print_json({"queued": queued, **done})
    else:
        typer.echo(f"{done['current_count']:,} of {done['title_count']:,} titles have a vector")
    if done["current_count"] < done["title_count"]:
        raise PgjikanError(
            f"{done['title_count'] - done['current_count']:,} titles were given up",
            hint="`pgjikan queue dead` says why; then `pgjikan queue redrive --task embed`",
        )


@app.command()
def switch(
    model: Model,
    force: Annotated[bool, typer.Option(help="Even under the coverage gate.")] = False,
    dsn: Dsn = None,
) -> None:
    """Make MODEL the one that recommendations read, at once; the one before stays as a way back.

    \b
    Examples:
      pgjikan embeddings switch gemini-embedding-001
      pgjikan embeddings switch local/universal-sentence-encoder-multilingual-3
    """
    with open_database(dsn) as connection:
        model_id = _find(connection, model)
        value(
            connection,
            "SELECT jikan_sync.switch_embedding_model("
            "model_id => %(model_id)s, is_forced => %(is_forced)s)",
            model_id=model_id,
            is_forced=force,
        )
        row = connection.execute(
            "SELECT jikan_sync.setting_text('embedding_low_priority') AS low, "
            "(jikan_sync.find_embedding_model(%(model)s)).price AS price",
            {"model": str(model_id)},
        ).fetchone()
    typer.echo(f"model {model_id} is active")
    if row and row["price"] and row["low"] == "immediate":
        typer.echo(
            "It costs money and embeds every change at once; to wait for the nightly batch:\n"
            "  UPDATE jikan_sync.setting SET value = 'nightly' "
            "WHERE name = 'embedding_low_priority';"
        )


@app.command()
def drop(
    model: Model,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dsn: Dsn = None,
) -> None:
    """Drop MODEL and all of its vectors; the active model cannot be dropped.

    \b
    Examples:
      pgjikan embeddings drop 1 --yes
    """
    with open_database(dsn) as connection:
        model_id = _find(connection, model)
        if not yes:
            typer.confirm(f"Drop model {model_id} and all of its vectors?", abort=True)
        is_gone = value(
            connection,
            "SELECT jikan_sync.drop_embedding_model(model_id => %(model_id)s)",
            model_id=model_id,
        )
    typer.echo(
        f"model {model_id} dropped"
        if is_gone
        else f"model {model_id} is retired; an open transaction still reads vectors, and within a "
        "minute of its end a job drops them"
    )


def _print_estimate(connection: psycopg.Connection[Any], model_id: int, as_json: bool) -> None:
    row = connection.execute(
        "SELECT e.* FROM jikan_sync.estimate_backfill(model_id => %(model_id)s) AS e",
        {"model_id": model_id},
    ).fetchone()
    assert row is not None  # the function answers one row
    if as_json:
        print_json({"model_id": model_id, **row})
        return
    typer.echo(
        f"{row['text_count']:,} texts in {row['request_count']:,} requests, "
        f"about {row['token_count']:,} tokens, {row['cost']} US dollars, {row['duration']}"
    )


def _find(connection: psycopg.Connection[Any], model: str) -> int:
    return int(
        value(
            connection,
            "SELECT (jikan_sync.find_embedding_model(model => %(model)s)).id",
            model=model,
        )
    )
