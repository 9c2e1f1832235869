"""`pgjikan server`: the embedded server by hand."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pgjikan import postgres_install
from pgjikan.app_login import app_dsn
from pgjikan.cli.options import AsJson, print_json
from pgjikan.server import DATABASE, EmbeddedServer, default_data_dir

app = typer.Typer(no_args_is_help=True, help="The embedded PostgreSQL server.")

DataDir = Annotated[
    Path | None,
    typer.Option(help="The server's folder; default: $XDG_DATA_HOME/pgjikan, root: /var/lib."),
]


class StopMode(StrEnum):
    """How to treat clients: wait for them, end them, or end everything at once."""

    SMART = "smart"
    FAST = "fast"
    IMMEDIATE = "immediate"


def _server(data_dir: Path | None, port: int | None = None) -> EmbeddedServer:
    return EmbeddedServer(data_dir or default_data_dir(), port=port)


def _dsn(server: EmbeddedServer, dbname: str = DATABASE) -> str:
    return server.tcp_dsn(dbname) if server.status().tcp else server.dsn(dbname)


@app.command()
def start(
    data_dir: DataDir = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Listen on this loopback port too, with a password."),
    ] = None,
) -> None:
    """Start the server (made on first use) and print how to connect; fine if it runs already.

    \b
    Examples:
      pgjikan server start
      pgjikan server start --port 5433
    """
    server = _server(data_dir, port)
    server.start()
    typer.echo(_dsn(server))


@app.command()
def stop(
    data_dir: DataDir = None,
    mode: Annotated[
        StopMode, typer.Option(help="fast ends the clients' sessions.")
    ] = StopMode.FAST,
) -> None:
    """Stop the server; fine if it does not run.

    \b
    Examples:
      pgjikan server stop
      pgjikan server stop --mode smart
    """
    _server(data_dir).stop(mode.value)


@app.command()
def status(
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say whether the server runs; exits 3 if not, as pg_ctl does.

    \b
    Examples:
      pgjikan server status
      pgjikan server status --json
    """
    server = _server(data_dir)
    found = server.status()
    if as_json:
        facts = {"data_dir": str(server.data_dir), "running": found.pid is not None}
        facts |= {"pid": found.pid, "port": found.port if found.tcp else None}
        print_json(facts)
    elif found.pid is None:
        typer.echo(f"not running: {server.data_dir}")
    else:
        place = f"port {found.port}" if found.tcp else f"socket {found.socket_dir}"
        typer.echo(f"running: {server.data_dir} (process {found.pid}, {place})")
    if found.pid is None:
        raise typer.Exit(3)


@app.command()
def dsn(
    data_dir: DataDir = None,
    socket: Annotated[bool, typer.Option(help="The socket even where a port is open.")] = False,
    app: Annotated[
        bool, typer.Option("--app", help="An app's login: it may use the schema anime, no more.")
    ] = False,
) -> None:
    """Print the connection string of the running server, its password included.

    \b
    Examples:
      pgjikan server dsn
      export DATABASE_URL=$(pgjikan server dsn --app)
    """
    server = _server(data_dir)
    if app:
        typer.echo(app_dsn(server))
        return
    typer.echo(server.dsn() if socket else _dsn(server))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context, data_dir: DataDir = None) -> None:
    """Open psql on the server; further words go to psql.

    \b
    Examples:
      pgjikan server psql
      pgjikan server psql -c 'SELECT * FROM anime.health'
    """
    program = postgres_install.wheel_binaries() / "psql"
    os.execv(program, ["psql", "--dbname", _server(data_dir).dsn(), *context.args])
