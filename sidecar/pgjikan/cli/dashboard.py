"""`pgjikan dashboard`: one page that shows how the mirror is doing, live."""

from __future__ import annotations

import socket
from typing import Annotated

import psycopg
import typer
from aiohttp import web

from pgjikan.cli.options import Dsn
from pgjikan.connection import connect, refusal_of_app
from pgjikan.dashboard import make_app
from pgjikan.dashboard.guard import is_loopback
from pgjikan.errors import PgjikanError
from pgjikan.settings import resolve_dsn


def dashboard(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 8484,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    dsn: Dsn = None,
) -> None:
    """Serve a page on this machine: search as you type, and how fresh, busy and well all is.

    It shows what happens, live, while a sidecar (`pgjikan up` or `pgjikan sidecar`) works.
    The database's user must be a member of jikan_owner. There is no login: keep it on loopback.

    \b
    Examples:
      pgjikan dashboard
      pgjikan dashboard --port 9000 --dsn postgresql://me@db.example/anime
    """
    target = resolve_dsn(dsn)
    _check(target)
    if not is_loopback(host):
        typer.echo(
            f"warning: listening on {host}: whoever reaches this port can search and redrive; "
            "there is no login",
            err=True,
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise PgjikanError(
            f"cannot listen on {host}:{port}: {error.strerror}", hint="Give another --port."
        ) from None
    shown = f"[{host}]" if ":" in host else host
    typer.echo(f"dashboard: http://{shown}:{listening.getsockname()[1]}/  (Ctrl-C ends it)")
    web.run_app(
        make_app(target, host), sock=listening, print=None, access_log=None, shutdown_timeout=1.0
    )


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(dashboard)


def _check(dsn: str) -> None:
    with connect(dsn, "pgjikan dashboard") as connection:
        try:
            connection.execute("SELECT FROM jikan_sync.status_error LIMIT 0")
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            raise PgjikanError(
                "pgjikan is not deployed in this database, or is older than this command",
                hint="pgjikan deploy",
            ) from None
        except psycopg.errors.InsufficientPrivilege:
            raise refusal_of_app(connection) or PgjikanError(
                "this user may not read how the mirror is doing",
                hint="GRANT jikan_owner TO the user, or use the one that deployed.",
            ) from None
