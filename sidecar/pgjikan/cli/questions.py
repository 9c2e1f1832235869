"""Connect and ask: what every command that reads or calls something does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

from psycopg.errors import InsufficientPrivilege
from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table

from pgjikan.cli.options import print_json
from pgjikan.connection import Connection, connect, refusal_of_app
from pgjikan.settings import resolve_dsn


@contextmanager
def open_database(dsn: str | None) -> Iterator[Connection]:
    """A connection for one command; its rows are dicts."""
    with connect(resolve_dsn(dsn), "pgjikan", row_factory=dict_row) as connection:
        try:
            yield connection
        except InsufficientPrivilege as error:
            refusal = refusal_of_app(connection)
            if refusal is None:
                raise
            raise refusal from error


def ask(dsn: str | None, query: LiteralString, /, **parameters: Any) -> list[dict[str, Any]]:
    """The rows that a query answers."""
    with open_database(dsn) as connection:
        return connection.execute(query, parameters).fetchall()


def value(connection: Connection, query: LiteralString, /, **parameters: Any) -> Any:
    """The one value that a function call answers."""
    row = connection.execute(query, parameters).fetchone()
    assert row is not None  # a function call answers one row
    return next(iter(row.values()))


def show(found: list[dict[str, Any]], as_json: bool, nothing: str) -> None:
    """Print rows as JSON or as a table, or say that there are none."""
    if as_json:
        print_json(found)
    elif not found:
        Console(highlight=False).print(nothing)
    else:
        table = Table(*found[0], box=None, pad_edge=False, header_style="bold")
        for row in found:
            table.add_row(*("" if cell is None else str(cell) for cell in row.values()))
        Console().print(table)
