"""`pgjikan doctor`: what is wrong with an installation, and the command that mends it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from pgjikan.cli.options import AsJson, Dsn, print_json
from pgjikan.doctor import examine
from pgjikan.settings import read_settings, resolve_dsn

SIGNS = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "bad": ("bad ", "bold red")}


def doctor(
    dsn: Dsn = None,
    offline: Annotated[bool, typer.Option(help="Do not ask the Jikan providers.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look for what is wrong and print the command that mends it; exits 1 when something is bad.

    Run it as the login that deploys, and where the sidecar runs: it tries this machine's
    embedding model and asks each provider for one title.

    \b
    Examples:
      pgjikan doctor
      pgjikan doctor --offline --json
    """
    findings = []
    console = Console(highlight=False, soft_wrap=True)
    for finding in examine(resolve_dsn(dsn), read_settings(), offline=offline):
        findings.append(finding)
        if not as_json:
            sign, colour = SIGNS[finding.verdict]
            console.print(Text(sign, colour), Text(f"{finding.check}: {finding.message}"))
            if finding.mend and finding.verdict != "ok":
                console.print(Text(f"       {finding.mend}", "cyan"))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    if any(finding.verdict == "bad" for finding in findings):
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(doctor)
