"""`pgjikan simulator`: a Jikan v4 on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from aiohttp import web

from pgjikan import simulator as jikan
from pgjikan.errors import PgjikanError
from pgjikan.simulator.faults import KINDS, STORM, SYNTAX, Fault

_KINDS = "\n\n".join(f"  {kind}: {meaning}" for kind, meaning in KINDS.items())


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(help=_HELP)(simulator)


_HELP = f"""Serve a Jikan v4 stand-in on loopback, for demos, tests and benchmarks.

Point pgjikan at it with PGJIKAN_JIKAN_URL=http://127.0.0.1:PORT/v4. While it runs it is steered
over HTTP: GET /_simulator/stats; POST /_simulator/reset, /_simulator/faults, /_simulator/documents;
DELETE /_simulator/faults, /_simulator/documents/ID.

A fault is {SYNTAX}

Kinds:

{_KINDS}

  {STORM}: any of these, in equal parts

\b
Examples:
  pgjikan simulator --port 8080
  pgjikan simulator --data anime.jsonl.gz --limit 60/min --fault 503,rate=0.1
"""


def simulator(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 8080,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Anime objects as JSON lines (.gz too), or a folder of recorded responses with "
            "its manifest.json; may be given again. Without it: some 60 built-in titles."
        ),
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option(help="What should go wrong, see above; repeatable.")
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(help="Answer 429 beyond N/s, N/min, N/h or N/day (sliding); repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed meets the same faults.")] = 0,
) -> None:
    # its words for the user are in _HELP, which lists the kinds of faults
    try:
        faults = [Fault.parse(text) for text in fault or []]
        upstream = jikan.upstream(data or [], limits=limit or [], seed=seed)
    except ValueError as e:
        raise PgjikanError(str(e), hint="see pgjikan simulator --help") from e
    for one in faults:
        upstream.faults.add(one)
    listening = jikan.listen(port)
    where = f"http://127.0.0.1:{listening.getsockname()[1]}/v4"
    typer.echo(f"{where} serves {len(upstream.catalogue)} titles; Ctrl-C ends it")
    web.run_app(
        upstream.application(), sock=listening, print=None, access_log=None, shutdown_timeout=0.1
    )
