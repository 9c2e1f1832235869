"""`pgjikan up`: everything for real use, in the foreground."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Annotated

import psycopg
import typer
from psycopg.rows import dict_row

from pgjikan import log, migrations
from pgjikan.cli.backfill import drain
from pgjikan.cli.load import STARTER_READ_AT, load_with_progress
from pgjikan.errors import PgjikanError
from pgjikan.server import EmbeddedServer, default_data_dir
from pgjikan.settings import read_settings


def up(
    data_dir: Annotated[
        Path | None, typer.Option(help="Where the data is kept; default: a folder of your own.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Listen on loopback TCP too, with a password."),
    ] = None,
    starter: Annotated[bool, typer.Option(help="Load the starter catalogue into an empty one.")] = (
        True
    ),
) -> None:
    """Start the embedded server, deploy, load the starter catalogue, and run the sidecar.

    Ctrl-C stops the sidecar and the server; the data is kept for the next time.

    \b
    Examples:
      pgjikan up
      pgjikan up --port 5433 --data-dir ~/anime
    """
    from pgjikan import sidecar

    settings = read_settings()
    with EmbeddedServer(data_dir or default_data_dir(), port=port) as server:
        dsn = server.dsn()
        deployed = migrations.deploy(dsn)
        state = f"{deployed} changes deployed" if deployed else "up to date"
        typer.echo(f"server: running; schema: {state}")
        with psycopg.connect(dsn) as connection:
            row = connection.execute("SELECT EXISTS (SELECT FROM anime.catalog)").fetchone()
        if starter and row is not None and not row[0]:
            loaded = load_with_progress(dsn, None, STARTER_READ_AT)
            typer.echo(f"starter catalogue: {loaded.inserted} anime")
            _embed(dsn)
        typer.echo(f"connect: psql '{server.tcp_dsn() if port else dsn}'")
        typer.echo("try:     SELECT * FROM anime.search('naruto');")
        log.configure()
        stop = Event()
        with sidecar.stop_on_signals(stop):
            sidecar.run(tuple(sidecar.LANES), dsn, settings, stop)


def _embed(dsn: str) -> None:
    """Make what was loaded recommendable, so that the sidecar has nothing to say about it."""
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
        row = connection.execute("SELECT jikan_sync.active_model_id() AS id").fetchone()
        assert row is not None  # a function call answers one row
        try:
            drain(dsn, connection, row["id"])
        except PgjikanError as error:
            typer.echo(f"no recommendations yet: {error}; the sidecar goes on trying", err=True)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(up)
