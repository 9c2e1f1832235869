"""`pgjikan health`: the view `anime.health`, with an exit code."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pgjikan.cli.options import AsJson, Dsn, print_json
from pgjikan.cli.questions import ask

COLOURS = {"ok": "bold green", "degraded": "bold yellow", "down": "bold red"}


def health(
    dsn: Dsn = None,
    as_json: AsJson = False,
) -> None:
    """Say whether all is well; exits 1 when it is not.

    `degraded` means that reads go on and something needs attention; `down` that there is nothing
    to read. `pgjikan doctor` looks deeper and says how to mend it.

    \b
    Examples:
      pgjikan health
      pgjikan health --json
    """
    [row] = ask(dsn, "SELECT h.* FROM anime.health AS h")
    if as_json:
        print_json(row)
    else:
        _show(row)
    if row["state"] != "ok":
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(health)


def _show(row: dict[str, Any]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(row["state"], COLOURS[row["state"]]))
    for reason in row["reasons"]:
        console.print(Text(f"  {reason}"))
    table = Table(box=None, show_header=False, pad_edge=False)
    seen = row["sidecar_seen_at"]
    lines = {
        "titles": f"{row['anime_count']:,} ({row['fresh_count']:,} fresh, "
        f"{row['stale_count']:,} stale)",
        "recommendable": f"{row['embedding_coverage']:.1%} ({row['pending_count']:,} pending)",
        "queue": f"{row['queue_depth']:,} tasks, ready the longest for {_short(row['oldest_wait'])}"
        f" (high: {_short(row['oldest_high_wait'])}), {row['dead_letter_count']:,} given up",
        "upstream": "available" if row["upstream_available"] else "not available",
        "embeddings": "available" if row["embedding_available"] else "not available",
        "sidecars": f"{row['sidecar_count']}, last seen "
        + ("never" if seen is None else f"{seen:%Y-%m-%d %H:%M:%S %Z}"),
        "failing jobs": ", ".join(row["failing_jobs"]) or "none",
    }
    for name, said in lines.items():
        table.add_row(Text(name, "dim"), Text(said))
    console.print(table)


def _short(wait: Any) -> str:
    return str(wait).split(".")[0]
