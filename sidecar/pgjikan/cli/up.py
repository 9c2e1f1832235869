"""`pgjikan up`: everything for real use, in the foreground."""

from __future__ import annotations

import socket
from pathlib import Path
from threading import Event
from typing import Annotated

import psycopg
import typer
from psycopg.rows import dict_row

from pgjikan import log, migrations
from pgjikan.app_login import app_dsn
from pgjikan.cli.backfill import drain
from pgjikan.cli.load import STARTER_READ_AT, load_with_progress
from pgjikan.errors import PgjikanError
from pgjikan.interruption import orderly_end
from pgjikan.server import EmbeddedServer, default_data_dir
from pgjikan.settings import read_settings

LOOPBACK = "127.0.0.1"
API_PORT = 8080
#: Seconds for the answers under way when everything stops.
GRACE = 7.0


def up(
    data_dir: Annotated[
        Path | None, typer.Option(help="Where the data is kept; default: a folder of your own.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Listen on loopback TCP too, with a password."),
    ] = None,
    api_port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Where the API listens; default: 8080, else a free port."
        ),
    ] = None,
    starter: Annotated[bool, typer.Option(help="Load the starter catalogue into an empty one.")] = (
        True
    ),
) -> None:
    """Start the embedded server, deploy, load the starter catalogue; run sidecar and gateway.

    The gateway answers Jikan's v4 API at the URL that is printed first. `connect` is for you, who
    own all; `app` is for an app, which may call and read the schema anime. Ctrl-C stops everything,
    except a server that ran before; the data is kept for the next time.

    \b
    Examples:
      pgjikan up
      pgjikan up --port 5433 --api-port 9000 --data-dir ~/anime
    """
    from pgjikan import sidecar
    from pgjikan.gateway.server import GatewayThread, url_of
    from pgjikan.gateway.settings import GatewaySettings

    settings = read_settings()
    listening = _listen(api_port)
    typer.echo(f"api: {url_of(listening, LOOPBACK)}")
    with (
        orderly_end(),
        EmbeddedServer(data_dir or default_data_dir(), port=port) as server,
    ):
        dsn = server.dsn()
        deployed = migrations.deploy(dsn)
        state = f"{deployed} changes deployed" if deployed else "up to date"
        place = "running" if server.is_ours else "ran before this, and stays when it ends"
        typer.echo(f"server: {place}; schema: {state}")
        with psycopg.connect(dsn) as connection:
            row = connection.execute("SELECT EXISTS (SELECT FROM anime.catalog)").fetchone()
        if starter and row is not None and not row[0]:
            loaded = load_with_progress(dsn, None, STARTER_READ_AT)
            typer.echo(f"starter catalogue: {loaded.inserted} anime")
            _embed(dsn)
        stop = Event()
        gateway = GatewayThread(listening, GatewaySettings(dsn=dsn, access_log=False), stop)
        with sidecar.stop_on_signals(stop):
            typer.echo(f"connect: psql '{server.tcp_dsn() if port else dsn}'")
            typer.echo(f"app:     DATABASE_URL='{app_dsn(server)}'")
            typer.echo("try:     SELECT * FROM anime.search('naruto');")
            log.configure()
            gateway.start()
            sidecar.run(tuple(sidecar.LANES), dsn, settings, stop)
            gateway.join(GRACE)


def _listen(port: int | None) -> socket.socket:
    """The socket of the API: the port asked for, else the usual one, else any."""
    from pgjikan.gateway.server import listen

    if port is not None:
        return listen(LOOPBACK, port)
    try:
        return listen(LOOPBACK, API_PORT)
    except PgjikanError:
        return listen(LOOPBACK, 0)


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
