"""Options that many commands take, and how they print for a machine."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

Dsn = Annotated[str | None, typer.Option(help="The database, as libpq's conninfo or URL.")]
#: The largest integer of a function in the database that is asked for a number.
MAX_INTEGER = 2_147_483_647
AsJson = Annotated[bool, typer.Option("--json", help="For a machine to read.")]


def print_json(value: Any) -> None:
    """Print one JSON value on one line; times and intervals as text."""
    typer.echo(json.dumps(value, default=str, ensure_ascii=False))
