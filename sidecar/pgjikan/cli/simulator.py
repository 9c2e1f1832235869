"""`pgjikan simulator`: a Jikan v4 on this machine."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from pgjikan.errors import PgjikanError
from pgjikan.simulator.faults import KINDS, STORM, SYNTAX, Fault
from pgjikan.simulator.limits import parse_limit

_KINDS = "\n\n".join(f"  {kind}: {meaning}" for kind, meaning in KINDS.items())


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(help=_HELP)(simulator)


_HELP = f"""Serve a Jikan v4 stand-in on loopback, for demos, tests and benchmarks.

It is the gateway over a database of its own, on a server that is thrown away at the end, behind a
layer that lets things go wrong. Point pgjikan at it with
PGJIKAN_JIKAN_URL=http://127.0.0.1:PORT/v4. While it runs it is steered over HTTP: GET
/_simulator/stats; POST /_simulator/reset, /_simulator/faults, /_simulator/documents; DELETE
/_simulator/faults, /_simulator/documents/ID.

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
            help="Anime objects as pgjikan load reads them; may be given again. Without it: the "
            "starter catalogue."
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
    from pgjikan import loader, log
    from pgjikan.scratch import scratch_server
    from pgjikan.sidecar import stop_on_signals
    from pgjikan.simulator import Simulator

    log.configure()
    stop = Event()
    with ExitStack() as stack:
        stack.enter_context(stop_on_signals(stop))
        try:
            faults = [Fault.parse(text) for text in fault or []]
            rules = [parse_limit(text) and text for text in limit or []]
        except ValueError as e:
            raise PgjikanError(str(e), hint="see pgjikan simulator --help") from e
        starter = stack.enter_context(as_file(files("pgjikan").joinpath("starter.jsonl.gz")))
        dsn = stack.enter_context(scratch_server()).dsn()
        for path in data or [starter]:
            loader.load(dsn, path, fetched_at=datetime.now(UTC))
        jikan = stack.enter_context(Simulator(dsn=dsn, limits=rules, seed=seed, port=port))
        for one in faults:
            jikan.fault(one)
        typer.echo(f"{jikan.url} serves {jikan.stats()['titles']} titles; Ctrl-C ends it")
        stop.wait()
