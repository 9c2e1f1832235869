"""`pgjikan queue status|dead|redrive` and `pgjikan job list|run|enable|disable`."""

from __future__ import annotations

from typing import Annotated

import typer

from pgjikan.cli.options import AsJson, Dsn, print_json
from pgjikan.cli.questions import ask, show
from pgjikan.errors import PgjikanError

app = typer.Typer(no_args_is_help=True, help="The queue: what waits, what died, and back again.")
job_app = typer.Typer(no_args_is_help=True, help="The jobs: when they run, and how it went.")

JobName = Annotated[str, typer.Argument(help="The job, as `pgjikan job list` names it.")]


@app.command()
def status(dsn: Dsn = None, as_json: AsJson = False) -> None:
    """Show how many tasks wait, by lane, task and priority, and the oldest of each.

    \b
    Examples:
      pgjikan queue status
      pgjikan queue status --json
    """
    show(
        ask(
            dsn,
            "SELECT q.* FROM jikan_sync.status_queue AS q ORDER BY q.lane, q.priority, q.task",
        ),
        as_json,
        "the queue is empty",
    )


@app.command()
def dead(dsn: Dsn = None, as_json: AsJson = False) -> None:
    """Show the tasks that were given up, with the reason.

    \b
    Examples:
      pgjikan queue dead
      pgjikan queue dead --json
    """
    show(
        ask(
            dsn,
            "SELECT d.id, d.task, d.mal_id, d.died_at, d.attempts, d.reason, d.message "
            "FROM jikan_sync.dead_letter AS d ORDER BY d.died_at DESC",
        ),
        as_json,
        "no task was given up",
    )


@app.command()
def redrive(
    ids: Annotated[
        list[int] | None, typer.Argument(max=2**63 - 1, help="Dead tasks; without: all.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="Only tasks of this kind.")] = None,
    dsn: Dsn = None,
    as_json: AsJson = False,
) -> None:
    """Put dead tasks back into the queue, with their attempts forgiven.

    \b
    Examples:
      pgjikan queue redrive
      pgjikan queue redrive 17 42
      pgjikan queue redrive --task anime
    """
    [row] = ask(
        dsn,
        "SELECT jikan_sync.redrive(ids => %(ids)s, task => %(task)s) AS count",
        ids=ids or None,
        task=task,
    )
    if as_json:
        print_json({"redriven": row["count"]})
    else:
        typer.echo(f"{row['count']} tasks are back in the queue")


@job_app.command("list")
def list_jobs(dsn: Dsn = None, as_json: AsJson = False) -> None:
    """Show every job: period, last run, outcome, next due.

    \b
    Examples:
      pgjikan job list
      pgjikan job list --json
    """
    show(
        ask(
            dsn,
            "SELECT j.* FROM jikan_sync.status_job AS j ORDER BY j.name",
        ),
        as_json,
        "there is no job",
    )


@job_app.command()
def run(name: JobName, dsn: Dsn = None, as_json: AsJson = False) -> None:
    """Run a job now, due or not; exits 1 when it fails.

    \b
    Examples:
      pgjikan job run nightly_embeddings
    """
    [row] = ask(dsn, "SELECT jikan_sync.run_job(%(name)s)::text AS outcome", name=name)
    if as_json:
        print_json({"job": name, "outcome": row["outcome"]})
    else:
        typer.echo(f"{name}: {row['outcome']}")
    if row["outcome"] == "failed":
        [job] = ask(
            dsn,
            "SELECT j.last_error FROM jikan_sync.status_job AS j WHERE j.name = %(name)s",
            name=name,
        )
        raise PgjikanError(job["last_error"], hint="Its context is in jikan_sync.job_run.")


@job_app.command()
def enable(name: JobName, dsn: Dsn = None) -> None:
    """Let a job run on its period again.

    \b
    Examples:
      pgjikan job enable refresh_stale
    """
    _switch(dsn, name, True)


@job_app.command()
def disable(name: JobName, dsn: Dsn = None) -> None:
    """Stop a job from running by itself; `job run` still works.

    \b
    Examples:
      pgjikan job disable refresh_stale
    """
    _switch(dsn, name, False)


def _switch(dsn: str | None, name: str, enabled: bool) -> None:
    changed = ask(
        dsn,
        "UPDATE jikan_sync.job SET enabled = %(enabled)s WHERE name = %(name)s RETURNING name",
        name=name,
        enabled=enabled,
    )
    if not changed:
        raise PgjikanError(f"there is no job {name!r}", hint="See `pgjikan job list`.")
    ask(dsn, "SELECT jikan_sync.install_jobs()")  # pg_cron's entries follow
    typer.echo(f"{name} is {'enabled' if enabled else 'disabled'}")
