"""The tour that `pgjikan demo` gives: real calls on a throw-away server, each step asserted."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.resources import as_file, files
from threading import Event, Thread
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table

from pgjikan import loader, log, migrations, sidecar
from pgjikan.cli.load import STARTER_READ_AT, load_with_progress
from pgjikan.client import JikanClient
from pgjikan.errors import PgjikanError
from pgjikan.scratch import scratch_server
from pgjikan.server import EmbeddedServer
from pgjikan.settings import Settings, read_settings
from pgjikan.simulator import Simulator

#: A title that the starter catalogue does not have; facts, and a sentence of our own.
MISSING: dict[str, Any] = {
    "mal_id": 64,
    "title": "Rozen Maiden",
    "title_english": "Rozen Maiden",
    "title_japanese": "ローゼンメイデン",
    "titles": [
        {"type": "Default", "title": "Rozen Maiden"},
        {"type": "Japanese", "title": "ローゼンメイデン"},
        {"type": "English", "title": "Rozen Maiden"},
    ],
    "title_synonyms": [],
    "type": "TV",
    "source": "Manga",
    "episodes": 12,
    "status": "Finished Airing",
    "airing": False,
    "season": "fall",
    "year": 2004,
    "score": 7.4,
    "members": 198145,
    "synopsis": "A boy who no longer leaves his room winds up a doll, and she proves to be one of "
    "seven who must fight each other for the right to become a girl.",
    "studios": [{"mal_id": 29, "type": "anime", "name": "Nomad"}],
    "genres": [
        {"mal_id": 1, "type": "anime", "name": "Action"},
        {"mal_id": 4, "type": "anime", "name": "Comedy"},
        {"mal_id": 8, "type": "anime", "name": "Drama"},
    ],
}
REPORT = "`pgjikan doctor` looks at this machine; please report what is above"
#: Where nobody listens.
DEAD = "http://127.0.0.1:9/v4"


class Tour:
    """The steps of the demo and what they need: a connection, a screen, patience."""

    def __init__(self, connection: psycopg.Connection[dict[str, Any]], console: Console) -> None:
        self.connection = connection
        self.console = console

    def sql(self, query: LiteralString, *parameters: Any) -> tuple[list[dict[str, Any]], float]:
        """Run a query and show it; its rows and the milliseconds it took."""
        shown = query
        for parameter in parameters:
            shown = shown.replace("%s", repr(parameter), 1)
        started = time.perf_counter()
        rows = self.connection.execute(query, parameters).fetchall()
        elapsed = (time.perf_counter() - started) * 1000
        self.console.print(f"  [cyan]{shown}[/]  [dim]{elapsed:.1f} ms[/]", soft_wrap=True)
        return rows, elapsed

    def show(self, rows: Sequence[dict[str, Any]], *columns: str) -> None:
        """Print some columns of the first rows."""
        table = Table(*columns, box=None, padding=(0, 2, 0, 4), header_style="dim")
        for row in rows[:5]:
            cells = ("" if row[name] is None else row[name] for name in columns)
            table.add_row(*(f"{c:.2f}" if isinstance(c, float) else str(c) for c in cells))
        self.console.print(table)

    def check(self, holds: bool, what: str) -> None:
        """Print what holds, or end the demo with what does not. Raises PgjikanError."""
        if not holds:
            raise PgjikanError(f"the demo failed: not true that {what}", hint=REPORT)
        self.console.print(f"  [green]✓[/] {what}")

    def wait_for(self, what: str, seconds: float, condition: Callable[[], bool]) -> None:
        """Wait until ``condition`` holds. Raises PgjikanError when it does not in time."""
        started = time.perf_counter()
        while not condition():
            if time.perf_counter() - started > seconds:
                raise PgjikanError(
                    f"the demo failed: not within {seconds:.0f} s that {what}", hint=REPORT
                )
            time.sleep(0.02)
        self.console.print(
            f"  [green]✓[/] {what}  [dim]after {time.perf_counter() - started:.2f} s[/]"
        )

    def one(self, query: LiteralString, *parameters: Any) -> Any:
        """The single value that a query answers, without showing it."""
        row = self.connection.execute(query, parameters).fetchone()
        return None if row is None else next(iter(row.values()))


def hit(tour: Tour) -> None:
    """(a) What the database has comes at once."""
    tour.connection.execute("SELECT count(*) FROM anime.search_cached('warm up')")
    rows, elapsed = tour.sql("SELECT * FROM anime.search(%s, max_rows => 5)", "fullmetal alchemst")
    tour.show(rows, "mal_id", "title", "match", "freshness")
    tour.check(rows[0]["mal_id"] in (5114, 121), "a title with a typo is found")
    tour.check(elapsed < 1000, "the answer came from the database, not from the network")


def miss(tour: Tour) -> None:
    """(b) What it has not is fetched, stored, embedded and recommended."""
    title = MISSING["title"].lower()
    rows, _ = tour.sql("SELECT * FROM anime.search(%s)", title)
    tour.check(
        MISSING["mal_id"] not in [row["mal_id"] for row in rows], "the title is not here yet"
    )
    tour.wait_for(
        "it was fetched behind our back and is found",
        30,
        lambda: bool(
            tour.one(
                "SELECT count(*) FROM anime.search_cached(%s) WHERE mal_id = %s",
                title,
                MISSING["mal_id"],
            )
        ),
    )
    rows, _ = tour.sql("SELECT * FROM anime.search(%s, max_rows => 3)", title)
    tour.show(rows, "mal_id", "title", "match", "freshness")
    tour.wait_for(
        "it was embedded and is recommendable",
        30,
        lambda: bool(tour.one("SELECT count(*) FROM anime.similar(%s)", MISSING["mal_id"])),
    )
    rows, _ = tour.sql("SELECT * FROM anime.similar(%s, max_rows => 5)", MISSING["mal_id"])
    tour.show(rows, "mal_id", "title", "year", "similarity")


def stale(tour: Tour) -> None:
    """(c) What is too old is served at once, marked, and refreshed behind."""
    rows, _ = tour.sql("SELECT * FROM anime.search(%s, max_rows => 1)", "cowboy bebop")
    tour.show(rows, "mal_id", "title", "freshness", "synced_at")
    tour.check(
        rows[0]["freshness"] == "stale", "a row of June is served, and says that it is stale"
    )
    tour.wait_for(
        "it was refreshed behind our back",
        30,
        lambda: tour.one("SELECT freshness FROM anime.catalog WHERE mal_id = 1") != "stale",
    )
    rows, _ = tour.sql("SELECT * FROM anime.search(%s, max_rows => 1)", "cowboy bebop")
    tour.show(rows, "mal_id", "title", "freshness", "synced_at")


def outage(tour: Tour) -> None:
    """(d) With the upstream dead, answers go on; after it, so does the work."""
    upstream = tour.one(
        "SELECT base_url FROM jikan_sync.provider WHERE enabled ORDER BY rank LIMIT 1"
    )
    tour.connection.execute(
        "UPDATE jikan_sync.provider SET base_url = %s WHERE base_url = %s", (DEAD, upstream)
    )
    tour.console.print(f"  [dim]the upstream is now {DEAD}, where nobody listens[/]")
    rows, elapsed = tour.sql("SELECT * FROM anime.search(%s, max_rows => 3)", "steins gate")
    tour.check(rows[0]["mal_id"] == 9253 and elapsed < 1000, "searches go on answering")
    tour.sql("SELECT anime.get(%s) -> 'title' AS title", 5680)
    rows, _ = tour.sql("SELECT * FROM anime.get(%s) AS anime", 457)
    tour.wait_for(
        "the outage was noticed, and no task was lost",
        30,
        lambda: bool(tour.one("SELECT count(*) FROM jikan_sync.queue WHERE failures > 0")),
    )
    tour.connection.execute(
        "UPDATE jikan_sync.provider SET base_url = %s WHERE base_url = %s", (upstream, DEAD)
    )
    tour.console.print("  [dim]the upstream is back[/]")
    tour.wait_for(
        "the work resumed by itself and was finished",
        90,
        lambda: (
            tour.one("SELECT count(*) FROM jikan_sync.queue WHERE failures > 0") == 0
            and bool(tour.one("SELECT is_full FROM jikan.anime WHERE mal_id = 5680"))
        ),
    )


def meaning(tour: Tour) -> None:
    """(e) Search by meaning, and a recommendation that a fan would nod at."""
    query = "high school basketball team"
    tour.connection.execute("SELECT count(*) FROM anime.search_semantic(%s)", (query,))
    tour.wait_for(
        "the query was embedded",
        30,
        lambda: (
            tour.one(
                "SELECT count(*) FROM anime.search_semantic(%s) WHERE match = 'semantic'", query
            )
            > 0
        ),
    )
    rows, _ = tour.sql("SELECT * FROM anime.search_semantic(%s, max_rows => 5)", query)
    tour.show(rows, "mal_id", "title", "match")
    sports = tour.one(
        "SELECT count(*) FROM anime.search_semantic(%s, max_rows => 5) AS s "
        "JOIN anime.catalog AS c USING (mal_id) WHERE 'sports' = ANY (c.genres)",
        query,
    )
    tour.check(sports >= 3, "most of them are about sports")
    liked = [1535, 13601]  # Death Note, Psycho-Pass
    rows, _ = tour.sql("SELECT * FROM anime.recommend(liked => %s, max_rows => 5)", liked)
    tour.show(rows, "mal_id", "title", "year", "similarity")
    fits = tour.one(
        "SELECT count(*) FROM anime.recommend(liked => %s, max_rows => 5) AS r "
        "JOIN anime.catalog AS c USING (mal_id) "
        "WHERE c.genres && '{suspense,psychological,police,mystery,detective,thriller}'",
        liked,
    )
    tour.check(fits >= 3, "most of them are mysteries or psychological")


STEPS = (hit, miss, stale, outage, meaning)


def run(console: Console) -> None:
    """Give the whole tour. Raises PgjikanError at the first step that does not hold."""
    started = time.perf_counter()
    settings = read_settings()
    log.configure(level=logging.ERROR)
    with ExitStack() as stack:
        server = stack.enter_context(scratch_server())
        console.print("[bold]a throw-away PostgreSQL[/] with pgjikan deployed")
        loaded = load_with_progress(server.dsn(), None, STARTER_READ_AT)
        console.print(f"loaded {loaded.inserted} anime of the starter catalogue, as of June 2026")
        connection = stack.enter_context(
            psycopg.connect(server.dsn(), autocommit=True, row_factory=dict_row)
        )
        # On a slow machine the job would refresh what (c) wants to show as stale.
        connection.execute("UPDATE jikan_sync.job SET enabled = false WHERE name = 'refresh_stale'")
        _choose_upstream(stack, server, connection, settings, console)
        stack.enter_context(_sidecar(server.dsn(), settings))
        tour = Tour(connection, console)
        tour.wait_for(
            "the starter catalogue is embedded",
            60,
            lambda: (
                tour.one(
                    "SELECT count(*) FROM jikan.anime WHERE sync_status = 'pending_embeddings'"
                )
                == 0
            ),
        )
        for step in STEPS:
            console.print(f"\n[bold]{step.__doc__}[/]")
            step(tour)
    console.print(
        f"\n[bold green]every step held[/] in {time.perf_counter() - started:.0f} s; "
        "`pgjikan up` is the same for real use"
    )


def _choose_upstream(
    stack: ExitStack,
    server: EmbeddedServer,
    connection: psycopg.Connection[dict[str, Any]],
    settings: Settings,
    console: Console,
) -> None:
    row = connection.execute(
        "SELECT base_url FROM jikan_sync.provider WHERE enabled ORDER BY rank LIMIT 1"
    ).fetchone()
    assert row is not None  # one is shipped
    client = JikanClient(contact=settings.contact, connect_timeout=3, read_timeout=5, deadline=8)
    reachable = client.fetch("/anime/1", base_url=row["base_url"]).outcome == "ok"
    client.close()
    if reachable:
        console.print(f"[bold]upstream:[/] the real {row['base_url']}")
        return
    simulator = stack.enter_context(Simulator([MISSING], dsn=_second_database(server)))
    connection.execute(
        "UPDATE jikan_sync.provider SET base_url = %s WHERE base_url = %s",
        (simulator.url, row["base_url"]),
    )
    console.print(
        f"[bold]upstream:[/] {row['base_url']} cannot be reached from here; "
        f"pgjikan's simulator at {simulator.url} stands in"
    )


def _second_database(server: EmbeddedServer) -> str:
    """A mirror beside the tour's, with the same titles, as of now: for the simulator."""
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE simulator")
    dsn = server.dsn("simulator")
    migrations.deploy(dsn, verify=False)
    with as_file(files("pgjikan").joinpath("starter.jsonl.gz")) as starter:
        loader.load(dsn, starter, fetched_at=datetime.now(UTC))
    return dsn


@contextmanager
def _sidecar(dsn: str, settings: Settings) -> Iterator[None]:
    stop = Event()
    thread = Thread(
        target=sidecar.run, args=(tuple(sidecar.LANES), dsn, settings, stop), name="sidecar"
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
