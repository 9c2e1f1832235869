"""`pgjikan demo`: a tour on a throw-away server."""

from __future__ import annotations

import typer
from rich.console import Console


def demo() -> None:
    """Show everything once, on a throw-away server; exits 0 only if every step held.

    It asks the real API when that can be reached, and the built-in simulator otherwise.

    \b
    Examples:
      pgjikan demo
    """
    from pgjikan import demo as tour

    tour.run(Console(highlight=False))


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(demo)
