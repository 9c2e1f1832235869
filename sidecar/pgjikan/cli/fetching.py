"""What the commands of `pgjikan sync` share: the work in the foreground, under a bar."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import typer
from rich.console import Console
from rich.progress import Progress

from pgjikan import log, sync_run
from pgjikan.cli.progress import counting_bar
from pgjikan.errors import PgjikanError
from pgjikan.settings import read_settings, resolve_dsn

TERMS = (
    "MyAnimeList's terms: the data is theirs, and people who host Jikan themselves are told not to "
    "build a public database of it. A private mirror for your own app is on your own account. "
    "Without this command pgjikan fetches only what is asked for."
)


def agree(what: str, command: str, *, yes: bool) -> None:
    """Tell MyAnimeList's terms and ask, unless that was agreed to; in a script it must be."""
    if yes:
        return
    out = Console(stderr=True, highlight=False)
    out.print(TERMS, style="yellow")
    if not out.is_terminal:
        raise PgjikanError(f"{what} opt-in", hint=f"{command} --yes")
    typer.confirm("Go on?", abort=True)


def foreground(dsn: str | None) -> AbstractContextManager[sync_run.Foreground]:
    """Work here, with nothing on the screen but the bar."""
    # one line per request would break the bar; warnings still show
    log.configure(level=logging.WARNING)
    return sync_run.foreground(resolve_dsn(dsn), read_settings())


def walk(work: sync_run.Foreground, run_id: int, label: str, *, quiet: bool) -> dict[str, Any]:
    """Do a run to its end under a bar that counts pages; what came of it, told unless `quiet`."""
    at = sync_run.progress(work.connection, run_id)
    if at.state == "finished":
        if not quiet:
            typer.echo(f"{label}: walked lately, {at.item_count:,} titles; --again walks it again")
        return _report(label, at, walked=False)
    with counting_bar("pages") as bar:
        task = bar.add_task(label, total=at.last_page, completed=at.page_count, detail="")
        told: str | None = None

        def is_done() -> bool:
            nonlocal at, told
            at = sync_run.progress(work.connection, run_id)
            told = _tell(bar, label, at.trouble, told)
            bar.update(
                task,
                total=at.last_page,
                completed=at.page_count,
                detail=f"{at.item_count:,} titles",
            )
            return at.state != "running"

        finished = work.drain(is_done)
    if not finished:
        raise PgjikanError(
            f"{label}: stopped after page {at.page_count}", hint="The same command goes on there."
        )
    if at.state == "stalled":
        raise PgjikanError(
            f"{label}: page {at.page_count + 1} was given up: {at.trouble}",
            hint="`pgjikan queue dead` tells more; the same command tries it again.",
        )
    if not quiet:
        typer.echo(
            f"{label}: {at.item_count:,} titles on {at.page_count:,} pages in {clock(at.elapsed)}"
        )
    return _report(label, at, walked=True)


def _tell(bar: Progress, label: str, trouble: str | None, told: str | None) -> str | None:
    """What goes wrong, in a line of its own each time that it is another; on a pipe as well."""
    if trouble and trouble != told:
        bar.console.print(f"{label}: {trouble}; it is tried again", soft_wrap=True, markup=False)
    return trouble


def _report(label: str, at: sync_run.RunProgress, *, walked: bool) -> dict[str, Any]:
    return {
        "list": label,
        "walked": walked,
        "titles": at.item_count,
        "pages": at.page_count,
        "seconds": round(at.elapsed.total_seconds(), 1),
    }


def fetch(
    work: sync_run.Foreground,
    mal_ids: Sequence[int],
    *,
    quiet: bool,
    facet: str = "core",
    label: str = "details",
) -> dict[str, int]:
    """Fetch titles under a bar that counts them; what came of them, told unless `quiet`."""
    sync_run.queue_titles(work.connection, mal_ids, facet)
    at = sync_run.titles_progress(work.connection, mal_ids, facet)
    with counting_bar("titles") as bar:
        task = bar.add_task(label, total=len(mal_ids), detail="")
        told: str | None = None

        def is_done() -> bool:
            nonlocal at, told
            at = sync_run.titles_progress(work.connection, mal_ids, facet)
            told = _tell(bar, label, at.trouble, told)
            bar.update(task, completed=len(mal_ids) - at.pending_count)
            return at.pending_count == 0

        finished = work.drain(is_done)
    if not finished:
        raise PgjikanError(
            f"{label}: stopped, {at.pending_count} titles wait in the queue",
            hint="The same command goes on, or a sidecar does.",
        )
    if not quiet:
        typer.echo(
            f"{label}: {at.stored_count:,} stored, {at.missing_count:,} unknown upstream, "
            f"{at.dead_count:,} given up"
        )
    return {"stored": at.stored_count, "missing": at.missing_count, "given_up": at.dead_count}


def clock(duration: timedelta) -> str:
    """A duration as people write it."""
    return str(timedelta(seconds=round(duration.total_seconds())))
