"""`pgjikan load`: Jikan documents in bulk, and the starter catalogue."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime
from importlib.resources import as_file, files
from os import SEEK_END
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from pgjikan import loader
from pgjikan.cli.options import AsJson, Dsn, print_json
from pgjikan.errors import PgjikanError
from pgjikan.settings import resolve_dsn

#: When the facts of the starter catalogue were read (see tools/make_starter.py).
STARTER_READ_AT = datetime.fromisoformat("2026-06-26T12:00:00+00:00")


def load(
    file: Annotated[
        Path | None, typer.Argument(help="Jikan Anime objects, one a line; .gz too.")
    ] = None,
    starter: Annotated[
        bool, typer.Option("--starter", help="Load the catalogue that comes with pgjikan.")
    ] = False,
    as_of: Annotated[
        datetime | None,
        typer.Option(help="How old the documents are; default: the file's modification time."),
    ] = None,
    dsn: Dsn = None,
    as_json: AsJson = False,
) -> None:
    """Store Jikan documents in bulk; only rows that differ are written.

    What cannot be stored is kept with its reason: SELECT * FROM jikan_sync.rejected_document.

    \b
    Examples:
      pgjikan load --starter
      pgjikan load anime.jsonl.gz --as-of 2026-06-26 --json
    """
    if (file is None) != starter:
        raise PgjikanError("give a FILE or --starter", hint="pgjikan load anime.jsonl")
    loaded = load_with_progress(
        resolve_dsn(dsn), file, STARTER_READ_AT if starter else as_of, quiet=as_json
    )
    if as_json:
        print_json(asdict(loaded))
    else:
        typer.echo(
            f"{loaded.inserted} new, {loaded.updated} updated, "
            f"{loaded.unchanged} unchanged, {loaded.rejected} rejected"
        )


def load_with_progress(
    dsn: str, file: Path | None, as_of: datetime | None, *, quiet: bool = False
) -> loader.Loaded:
    """Load ``file``, or the starter catalogue for None, under a bar with rate and ETA."""
    with ExitStack() as stack:
        if file is None:
            resource = files("pgjikan").joinpath("starter.jsonl.gz")
            file = stack.enter_context(as_file(resource))
        bar = stack.enter_context(
            Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                disable=quiet,
                transient=True,
            )
        )
        task = bar.add_task("loading", total=_size(file))
        return loader.load(
            dsn, file, fetched_at=as_of, progress=lambda count: bar.advance(task, count)
        )


def _size(file: Path) -> int | None:
    """The bytes of JSON in a file; of a .gz its last four bytes tell. None: nobody knows."""
    try:
        if file.suffix != ".gz":
            return file.stat().st_size
        with file.open("rb") as compressed:
            compressed.seek(-4, SEEK_END)
            return int.from_bytes(compressed.read(), "little") or None
    except OSError:
        return None  # whoever loads it will say what is wrong with it


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(load)
