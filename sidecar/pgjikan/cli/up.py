"""`pgjikan up`: everything for real use, in the foreground."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Annotated

import psycopg
import typer
from psycopg.rows import dict_row
from rich.progress import Progress, TaskID

from pgjikan import log, migrations
from pgjikan.app_login import app_dsn
from pgjikan.cli.backfill import drain
from pgjikan.cli.load import STARTER_READ_AT, load_with_progress
from pgjikan.cli.progress import counting_bar
from pgjikan.cluster import readable_errors
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
    except a server that ran before; the data is kept for the next time. A second one beside it
    needs another --data-dir.

    \b
    Examples:
      pgjikan up
      pgjikan up --port 5433 --api-port 9000 --data-dir ~/anime
    """
    from pgjikan.gateway.server import url_of

    read_settings()
    server = EmbeddedServer(data_dir or default_data_dir(), port=port)
    listening = _listen(api_port)
    url = url_of(listening, LOOPBACK)
    with orderly_end(), _alone(server, url):
        typer.echo(f"api: {url}")
        if api_port is None and listening.getsockname()[1] != API_PORT:
            typer.echo(f"port {API_PORT} is another program's; --api-port chooses", err=True)
        _run(server, listening, starter)


def _run(server: EmbeddedServer, listening: socket.socket, starter: bool) -> None:
    from pgjikan import sidecar
    from pgjikan.gateway.server import GatewayThread
    from pgjikan.gateway.settings import GatewaySettings

    typer.echo(f"starting PostgreSQL in {server.data_dir}", err=True)
    with server:
        dsn = server.dsn()
        deployed = _deploy(dsn)
        state = f"{deployed} changes deployed" if deployed else "up to date"
        place = "running" if server.is_ours else "ran before this, and stays when it ends"
        typer.echo(f"server: {place}; schema: {state}")
        with psycopg.connect(dsn) as connection:
            row = connection.execute("SELECT EXISTS (SELECT FROM anime.catalog)").fetchone()
        if starter and row is not None and not row[0]:
            typer.echo("loading the starter catalogue", err=True)
            loaded = load_with_progress(dsn, None, STARTER_READ_AT)
            typer.echo(f"starter catalogue: {loaded.inserted} anime")
            _embed(dsn)
        stop = Event()
        gateway = GatewayThread(listening, GatewaySettings(dsn=dsn, access_log=False), stop)
        with sidecar.stop_on_signals(stop):
            typer.echo(f"connect: psql '{server.tcp_dsn() if server.port else dsn}'")
            typer.echo(f"app:     DATABASE_URL='{app_dsn(server)}'")
            typer.echo("try:     SELECT * FROM anime.search('naruto');")
            log.configure()
            gateway.start()
            sidecar.run(tuple(sidecar.LANES), dsn, read_settings(), stop)
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


@contextmanager
def _alone(server: EmbeddedServer, url: str) -> Iterator[None]:
    """Hold the folder, and say in it where the API is. Raises PgjikanError where another holds it.

    Whoever is killed lets go.
    """
    server.make_folder()
    with readable_errors(server.data_dir):
        note = (server.data_dir / "up").open("a+")
    with note:
        try:
            fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note.seek(0)
            told = note.read()
            raise PgjikanError(
                f"`pgjikan up` runs here already: {told}, data in {server.data_dir}",
                hint="Use that one (`pgjikan server psql`), end it with Ctrl-C where it runs, or "
                "give this one a --data-dir of its own.",
            ) from None
        note.truncate(0)
        note.write(f"process {os.getpid()}, api {url}")
        note.flush()
        yield


def _deploy(dsn: str) -> int:
    """Deploy what is missing under a bar; how many changes."""
    with counting_bar("changes") as bar:
        count = migrations.deploy(dsn, reporter=_Bar(bar))
    return count


class _Bar(migrations.Reporter):
    """Counts the changes, and says once that there are some."""

    def __init__(self, bar: Progress) -> None:
        self.bar = bar
        self.task: TaskID | None = None

    def begin(self, action: migrations.Action, title: str) -> None:
        """The first one is said."""
        if self.task is None:
            total = len(migrations.own_plan().changes)
            self.bar.console.print("deploying the schema, some 10 s where it is new")
            self.task = self.bar.add_task("deploying", total=total, detail="")
        self.bar.update(self.task, advance=action == "deploy", detail=title)


def _embed(dsn: str) -> None:
    """Make what was loaded recommendable, so that the sidecar has nothing to say about it."""
    typer.echo("embedding it for recommendations", err=True)
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
