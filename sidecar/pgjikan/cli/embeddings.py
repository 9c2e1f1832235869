"""`pgjikan embeddings status|add|backfill|switch|drop`: models, their coverage, and the change."""

from __future__ import annotations

import json
import logging
import time
import uuid
from threading import Event
from typing import Annotated, Any, LiteralString

import psycopg
import structlog
import typer
from psycopg.rows import dict_row
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from pgjikan import db
from pgjikan.embedders import load_embedder
from pgjikan.embedding_lane import EmbeddingLane
from pgjikan.errors import PgjikanError
from pgjikan.settings import read_settings, resolve_dsn, with_application_name

app = typer.Typer(no_args_is_help=True, help="Embedding models: coverage, backfill, switch.")

Dsn = Annotated[str | None, typer.Option(help="The database.")]
AsJson = Annotated[bool, typer.Option("--json", help="For a machine to read.")]
Model = Annotated[str, typer.Argument(help="Its id, NAME, PROVIDER/NAME or PROVIDER/NAME/DIMS.")]

#: Seconds between two looks at how far it is.
PATIENCE = 1.0


@app.command()
def status(dsn: Dsn = None, as_json: AsJson = False) -> None:
    """Show each model: status, coverage, size, and why its provider is left alone, if it is."""
    with _connect(dsn) as connection:
        rows = connection.execute("SELECT s.* FROM jikan_sync.embedding_status() AS s").fetchall()
    if as_json:
        typer.echo(json.dumps(rows, default=str))
        return
    table = Table(
        "id", "model", "status", "coverage", "MB", "index", "blocked", box=None, pad_edge=False
    )
    for row in rows:
        table.add_row(
            str(row["id"]),
            f"{row['provider']}/{row['name']}/{row['dimensions']}",
            row["status"],
            f"{row['current_count']:,} of {row['title_count']:,} ({row['coverage']:.1%})",
            f"{row['size_bytes'] / 2**20:.0f}",
            "HNSW" if row["has_index"] else "exact",
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
    dimensions: Annotated[int, typer.Argument(help="Length of its vectors: 768 …")],
    price: Annotated[
        float, typer.Option(min=0, help="US dollars for a million tokens, for estimates.")
    ] = 0.0,
    dsn: Dsn = None,
) -> None:
    """Add a model beside the active one; until `backfill` only new titles are embedded."""
    load_embedder(provider, name, dimensions, read_settings())
    with _connect(dsn) as connection:
        model_id = _value(
            connection,
            "SELECT jikan_sync.add_embedding_model("
            "provider => %(provider)s, name => %(name)s, dimensions => %(dimensions)s, "
            "price => %(price)s::numeric)",
            {"provider": provider, "name": name, "dimensions": dimensions, "price": price},
        )
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
    """Embed every title that lacks a current vector of MODEL; interrupt and repeat at will."""
    target = resolve_dsn(dsn)
    with _connect(target) as connection:
        model_id = _find(connection, model)
        if estimate:
            _print_estimate(connection, model_id, as_json)
            return
        queued = _value(
            connection,
            "SELECT jikan_sync.backfill_embeddings(model_id => %(model_id)s)",
            {"model_id": model_id},
        )
        done = _drain(target, connection, model_id, quiet=as_json)
    if as_json:
        typer.echo(json.dumps({"queued": queued, **done}))
    else:
        typer.echo(f"{done['current_count']:,} of {done['title_count']:,} titles have a vector")


@app.command()
def switch(
    model: Model,
    force: Annotated[bool, typer.Option(help="Even under the coverage gate.")] = False,
    dsn: Dsn = None,
) -> None:
    """Make MODEL the one that recommendations read, at once; the one before stays as a way back."""
    with _connect(dsn) as connection:
        model_id = _find(connection, model)
        _value(
            connection,
            "SELECT jikan_sync.switch_embedding_model("
            "model_id => %(model_id)s, is_forced => %(is_forced)s)",
            {"model_id": model_id, "is_forced": force},
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
    """Drop MODEL and all of its vectors; the active model cannot be dropped."""
    with _connect(dsn) as connection:
        model_id = _find(connection, model)
        if not yes:
            typer.confirm(f"Drop model {model_id} and all of its vectors?", abort=True)
        _value(
            connection,
            "SELECT jikan_sync.drop_embedding_model(model_id => %(model_id)s)",
            {"model_id": model_id},
        )
    typer.echo(f"model {model_id} dropped")


def _print_estimate(connection: psycopg.Connection[Any], model_id: int, as_json: bool) -> None:
    row = connection.execute(
        "SELECT e.* FROM jikan_sync.estimate_backfill(model_id => %(model_id)s) AS e",
        {"model_id": model_id},
    ).fetchone()
    assert row is not None  # the function answers one row
    if as_json:
        typer.echo(json.dumps({"model_id": model_id, **row}, default=str))
        return
    typer.echo(
        f"{row['text_count']:,} texts in {row['request_count']:,} requests, "
        f"about {row['token_count']:,} tokens, {row['cost']} US dollars, {row['duration']}"
    )


def _drain(
    dsn: str, connection: psycopg.Connection[Any], model_id: int, *, quiet: bool
) -> dict[str, Any]:
    """Take part in the lane's work until the model lacks nothing that can still come."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    worker = f"backfill:{uuid.uuid4().hex[:8]}"
    lane = EmbeddingLane(db.connector(dsn, "pgjikan backfill"), read_settings(), Event(), worker)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    pause = Event()
    with Progress(*columns, disable=quiet, transient=True) as bar:
        task = bar.add_task("embedding", total=None, rate="")
        looked_at = 0.0
        try:
            while True:
                did_work = lane.step()
                if did_work and time.monotonic() < looked_at + PATIENCE:
                    continue
                looked_at = time.monotonic()
                row = _progress(connection, model_id)
                bar.update(task, total=row["title_count"], completed=row["current_count"])
                speed = bar.tasks[0].finished_speed or bar.tasks[0].speed or 0
                bar.update(task, rate=f"{speed:.0f}/s")
                if row["left_count"] == 0:
                    return row
                if row["blocked_reason"]:
                    raise PgjikanError(
                        f"the provider does not answer: {row['blocked_reason']}",
                        hint=f"Nothing is lost; go on after {row['blocked_until']:%Y-%m-%d %H:%M} "
                        "with the same command, or leave it to the sidecar.",
                    )
                if not did_work:
                    pause.wait(PATIENCE)
        finally:
            lane.close()


def _progress(connection: psycopg.Connection[Any], model_id: int) -> dict[str, Any]:
    row = connection.execute(
        "SELECT b.* FROM jikan_sync.backfill_progress(model_id => %(model_id)s) AS b",
        {"model_id": model_id},
    ).fetchone()
    assert row is not None  # the function answers one row
    return dict(row)


def _find(connection: psycopg.Connection[Any], model: str) -> int:
    return int(
        _value(
            connection,
            "SELECT (jikan_sync.find_embedding_model(model => %(model)s)).id",
            {"model": model},
        )
    )


def _connect(dsn: str | None) -> psycopg.Connection[Any]:
    conninfo = with_application_name(resolve_dsn(dsn), "pgjikan embeddings")
    return psycopg.connect(conninfo, autocommit=True, row_factory=dict_row)


def _value(
    connection: psycopg.Connection[Any], query: LiteralString, parameters: dict[str, Any]
) -> Any:
    row = connection.execute(query, parameters).fetchone()
    assert row is not None  # a function call answers one row
    return next(iter(row.values()))
