"""The command line: one typer app, a module per family of commands."""

from __future__ import annotations

import os
import sys

import psycopg
import typer
from rich.console import Console
from rich.text import Text

from pgjikan import __version__
from pgjikan.cli import (
    dashboard,
    database,
    demo,
    doctor,
    embeddings,
    health,
    load,
    provider,
    queue,
    read,
    serve,
    server,
    sidecar,
    simulator,
    sync,
    up,
)
from pgjikan.errors import PgjikanError, from_database
from pgjikan.settings import read_settings, unknown_variables

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="MyAnimeList's anime inside PostgreSQL: fresh, searchable, recommendable. "
    "Start with `pgjikan demo` (a tour) or `pgjikan up` (for real). The database is --dsn, else "
    "DATABASE_URL, else libpq's PG*, else the embedded server.\n\n"
    "Exit codes: 0 done and well, 1 not (an error says what to do), 2 a wrong word on the command "
    "line. `pgjikan --install-completion` completes commands and options in your shell.\n\n"
    "\b\nExamples:\n  pgjikan demo\n  pgjikan up\n  pgjikan search 'fullmetal alchemst'\n"
    "  pgjikan COMMAND --help",
)

_COMMANDS = (
    up, demo, database, sidecar, serve, dashboard, read, health, doctor, load, sync, simulator
)  # fmt: skip
for module in _COMMANDS:
    module.register(app)
app.add_typer(server.app, name="server")
app.add_typer(embeddings.app, name="embeddings")
app.add_typer(queue.app, name="queue")
app.add_typer(queue.job_app, name="job")
app.add_typer(provider.app, name="provider")


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
    elif "--help" not in sys.argv:
        read_settings()
        for name in unknown_variables():
            typer.echo(f"warning: nothing reads {name}, a variable of the environment", err=True)


def main() -> None:
    """Run the command line; an error becomes what happened and what to do, and exit code 1."""
    try:
        app()
    except PgjikanError as error:
        fail(str(error), error.hint)
    except psycopg.Error as error:
        told = from_database(error)
        fail(str(told), told.hint)
    finally:
        _flush()


def _flush() -> None:
    """Write what is left; that a reader has had enough (`| head`) is no failure."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(message: str, hint: str | None) -> None:
    """Print an error and its hint to standard error, and exit 1."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text("error: ", "bold red"), Text(message), sep="")  # it may hold brackets
    if hint:
        console.print(Text("hint:  ", "bold"), Text(hint), sep="")
    sys.exit(1)
