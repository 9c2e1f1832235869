"""`pgjikan provider list|set|enable|disable|test`: who serves the Jikan API."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pgjikan.cli.options import AsJson, Dsn, print_json
from pgjikan.cli.questions import ask, open_database
from pgjikan.errors import PgjikanError
from pgjikan.probe import probe, why_not
from pgjikan.settings import read_settings

app = typer.Typer(no_args_is_help=True, help="Who serves the Jikan v4 API, and how they are doing.")

Name = Annotated[str, typer.Argument(help="The provider.")]
Limit = Annotated[float | None, typer.Option(min=0, help="Requests allowed; 0: no limit.")]


@app.command("list")
def list_(dsn: Dsn = None, as_json: AsJson = False) -> None:
    """Show the providers in the order of preference; counts are of the last 24 hours.

    Below them: what each failed with last, and when it is asked again if that is not at once.

    \b
    Examples:
      pgjikan provider list
      pgjikan provider list --json
    """
    found = ask(dsn, "SELECT s.* FROM jikan_sync.provider_status AS s")
    if as_json:
        print_json(found)
        return
    table = Table(
        *(
            "name",
            "enabled",
            "breaker",
            "pace",
            "wait",
            "with a key",
            "requests",
            "failed",
            "429",
            "url",
        ),
        box=None,
        pad_edge=False,
        header_style="bold",
    )
    for row in found:
        table.add_row(
            row["name"],
            "yes" if row["enabled"] else "no",
            row["breaker"],
            f"{row['pace']:.0%}",
            f"{row['wait'].total_seconds():.1f} s",
            "-"
            if row["keyed_pace"] is None
            else f"{row['keyed_pace']:.0%}, {row['keyed_wait'].total_seconds():.1f} s",
            *(str(row[name]) for name in ("request_count", "failure_count", "rate_limited_count")),
            row["base_url"],
        )
    Console(soft_wrap=True).print(table)
    for row in found:
        told = []
        if row["last_failure"]:
            told.append(f"last failed with {row['last_failure']} at {row['last_failure_at']:%F %T}")
        if row["next_try_at"]:
            told.append(f"is asked again at {row['next_try_at']:%F %T %Z}")
        if told:
            typer.echo(f"{row['name']} {', '.join(told)}")


@app.command("set")
def set_(
    name: Name,
    url: Annotated[str | None, typer.Option(help="Base URL with its version: …/v4")] = None,
    rank: Annotated[int | None, typer.Option(min=1, help="1 is first; others move on.")] = None,
    per_second: Limit = None,
    per_minute: Limit = None,
    per_day: Limit = None,
    key_header: Annotated[
        str | None,
        typer.Option(help="Header for a server key; the key itself goes in PGJIKAN_SERVER_KEYS."),
    ] = None,
    dsn: Dsn = None,
) -> None:
    """Change a provider, or add one (with --url), which is asked last unless it gets a rank.

    \b
    Examples:
      pgjikan provider set tenrai --per-minute 30
      pgjikan provider set mine --url http://10.0.0.7:8080/v4 --per-minute 120 --rank 1
    """
    ask(
        dsn,
        "SELECT jikan_sync.set_provider(name => %(name)s, base_url => %(url)s, rank => %(rank)s, "
        "per_second => %(per_second)s::numeric, per_minute => %(per_minute)s::numeric, "
        "per_day => %(per_day)s::numeric, key_header => %(key_header)s)",
        name=name,
        url=url,
        rank=rank,
        per_second=per_second,
        per_minute=per_minute,
        per_day=per_day,
        key_header=key_header,
    )
    typer.echo(f"{name}: set")


@app.command()
def enable(name: Name, dsn: Dsn = None) -> None:
    """Let a provider be asked.

    \b
    Examples:
      pgjikan provider enable jikan
    """
    _enable(dsn, name, True)


@app.command()
def disable(name: Name, dsn: Dsn = None) -> None:
    """Ask a provider no more.

    \b
    Examples:
      pgjikan provider disable tenrai
    """
    _enable(dsn, name, False)


@app.command()
def test(name: Name, dsn: Dsn = None, as_json: AsJson = False) -> None:
    """Ask a provider, even a disabled one, for one title, through its limiter; store nothing.

    \b
    Examples:
      pgjikan provider test tenrai
    """
    with open_database(dsn) as connection:
        response = probe(connection, read_settings(), name)
        refusal = why_not(connection, name) if response is None else None
    if response is None:
        raise PgjikanError(f"{name} cannot be asked now: {refusal}", hint="pgjikan provider list")
    told = f"{response.outcome} in {response.elapsed_ms:.0f} ms"
    if response.outcome != "ok":
        raise PgjikanError(
            f"{name}: {told}: {response.message}",
            hint="Is the base URL right (`pgjikan provider list`), and does it serve Jikan v4?",
        )
    if as_json:
        print_json(
            {
                "provider": name,
                "outcome": response.outcome,
                "elapsed_ms": round(response.elapsed_ms),
                "bytes": response.bytes,
            }
        )
        return
    typer.echo(f"{name}: {told}, {response.bytes:,} bytes")


def _enable(dsn: str | None, name: str, enabled: bool) -> None:
    ask(
        dsn,
        "SELECT jikan_sync.enable_provider(name => %(name)s, enabled => %(enabled)s)",
        name=name,
        enabled=enabled,
    )
    typer.echo(f"{name}: {'enabled' if enabled else 'disabled'}")
