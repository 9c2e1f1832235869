"""`pgjikan sidecar`: fetch and embed what the database asks for."""

from __future__ import annotations

import logging
import os
import sys
from enum import StrEnum
from threading import Event, Thread
from typing import Annotated

import psycopg
import structlog
import typer

from pgjikan import log
from pgjikan.cli.options import Dsn
from pgjikan.connection import connect
from pgjikan.schema import require_schema
from pgjikan.settings import read_settings, resolve_dsn


class LaneName(StrEnum):
    """The lanes of the queue."""

    JIKAN = "jikan"
    EMBEDDING = "embedding"


def sidecar(
    dsn: Dsn = None,
    lane: Annotated[
        list[LaneName] | None, typer.Option(help="Only this lane; may be given again.")
    ] = None,
    once: Annotated[
        bool, typer.Option(help="Drain what is due, then exit: for a schedule (cron, CI).")
    ] = False,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Serve /metrics, /healthz and /readyz on loopback."),
    ] = None,
    metrics_host: Annotated[
        str, typer.Option(help="Where --metrics-port listens; 0.0.0.0 inside a container.")
    ] = "127.0.0.1",
    verbose: Annotated[bool, typer.Option("--verbose", help="Log more.")] = False,
) -> None:
    """Do the queue's work: HTTP to Jikan, texts to the embedding model, overdue jobs.

    Any number may run; they share the work and the limits. SIGTERM ends it within 5 seconds with
    everything finished or handed back; kill -9 loses nothing.

    \b
    Examples:
      pgjikan sidecar
      pgjikan sidecar --once
      pgjikan sidecar --lane jikan --metrics-port 9187
    """
    from pgjikan.sidecar import run, run_once, stop_on_signals

    log.configure(level=logging.DEBUG if verbose else logging.INFO)
    settings = read_settings()
    names = [str(name) for name in lane or list(LaneName)]
    target = resolve_dsn(dsn)
    stop = Event()
    with stop_on_signals(stop):
        if not _require_schema(target, stop):
            os._exit(0)  # a thread is still in the middle of asking
        if metrics_port is not None:
            from pgjikan.metrics import serve

            serve(metrics_host, metrics_port, target)
        if once:
            run_once(names, target, settings, stop)
        else:
            late = run(names, target, settings, stop)
            if late:
                sys.stdout.flush()
                os._exit(0)


def _require_schema(dsn: str, stop: Event) -> bool:
    """Tell at the start when the schema is another; a database that is away is waited for.

    False where the process is told to stop before the database has answered.
    """
    refused: list[Exception] = []

    def look() -> None:
        try:
            with connect(dsn, "pgjikan sidecar") as connection:
                require_schema(connection)
        except psycopg.OperationalError as error:
            structlog.get_logger().warning("database_lost", error=" ".join(str(error).split()))
        except Exception as error:
            refused.append(error)

    # In a thread: a server that accepts and never answers must not keep a signal waiting.
    looking = Thread(target=look, name="schema", daemon=True)
    looking.start()
    while looking.is_alive() and not stop.is_set():
        looking.join(0.05)
    if refused:
        raise refused[0]
    return not looking.is_alive()


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(sidecar)
