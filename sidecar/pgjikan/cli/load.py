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
from rich.console import Console
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

#: Rejects of a file that are told by their lines.
TOLD = 20
#: When the facts of the starter catalogue were read (see tools/make_starter.py).
STARTER_READ_AT = datetime.fromisoformat("2026-06-26T12:00:00+00:00")


def load(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Jikan Anime objects: one a line, an array, or a response; .gz too; or a folder."
        ),
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
    Exits 1 when something was rejected, when the file has no document, and when it stops being
    JSON somewhere; what could be understood is loaded all the same.

    \b
    Examples:
      pgjikan load --starter
      pgjikan load anime.jsonl.gz --as-of 2026-06-26 --json
    """
    if (file is None) != starter:
        raise PgjikanError("give a FILE or --starter", hint="pgjikan load anime.jsonl")
    target = resolve_dsn(dsn)
    sources = _files(file) if file and file.is_dir() else [file]
    loaded = loader.Loaded()
    failed: list[PgjikanError] = []
    for source in sources:
        try:
            loaded += load_with_progress(
                target, source, STARTER_READ_AT if starter else as_of, quiet=as_json
            )
        except PgjikanError as error:
            if len(sources) == 1:
                raise
            typer.echo(f"error: {error}", err=True)
            failed.append(error)
    if as_json:
        print_json(asdict(loaded))
    else:
        typer.echo(loaded)
    if failed:
        raise PgjikanError(
            f"{len(failed)} of {len(sources)} files could not be read to their end",
            hint=failed[0].hint,
        )
    if loaded.rejected:
        raise PgjikanError(
            f"{loaded.rejected} documents were rejected",
            hint="SELECT mal_id, reason FROM jikan_sync.rejected_document "
            "ORDER BY last_seen_at DESC;",
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
                console=Console(stderr=True, soft_wrap=True),
                disable=quiet,
                transient=True,
            )
        )
        task = bar.add_task("loading", total=_size(file))
        source, told = file, 0

        def rejected(line: int, reason: str) -> None:
            nonlocal told
            told += 1
            if told <= TOLD:
                bar.console.print(f"{source}:{line}: {reason}", markup=False, highlight=False)
            elif told == TOLD + 1:
                bar.console.print("…", markup=False)

        return loader.load(
            dsn,
            file,
            fetched_at=as_of,
            progress=lambda count: bar.advance(task, count),
            rejected=rejected,
        )


def _files(folder: Path) -> list[Path | None]:
    """The files of a folder, in order of their names."""
    found: list[Path | None] = [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.startswith(".")
    ]
    if not found:
        raise PgjikanError(f"there is no file in {folder}", hint="Give a file of Jikan documents.")
    return found


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
