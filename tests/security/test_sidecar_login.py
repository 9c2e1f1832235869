"""The real lanes, jobs and listener as a login that has `jikan_sidecar` and nothing else; the
questions come from a login that has `anime_reader` and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event
from typing import Any

import pytest

from pgjikan import db
from pgjikan.embedding_lane import EmbeddingLane
from pgjikan.jikan_lane import JikanLane
from pgjikan.settings import Settings
from pgjikan.simulator import Simulator
from pgjikan.sync_run import (
    estimate,
    progress,
    queue_titles,
    start,
    titles_progress,
    wanted_details,
)
from pgjikan.worker import Lane
from tests.conftest import Simulate
from tests.security.conftest import Connection, Logins
from tests.store.documents import entry, full

TITLES = ["Cowboy Bebop", "Trigun", "Monster", "Mushishi", "Baccano!", "Kaiba", "Texhnolyze"]


def value(connection: Connection, query: str, *parameters: Any) -> Any:
    row = connection.execute(query.encode(), parameters).fetchone()
    return None if row is None else row[0]


@pytest.fixture
def upstream(connection: Connection, simulate: Simulate) -> Iterator[Simulator]:
    """The simulator as the only provider, without a limit on pace."""
    documents = [
        full(
            number,
            title=title,
            titles=[{"type": "Default", "title": title}],
            synopsis=f"{title} is a story of its own, told {number} times.",
            studios=[entry(number, f"Studio {number}")],
            relations=[],
        )
        for number, title in enumerate(TITLES, 1)
    ]
    with simulate(documents) as simulator:
        connection.execute(
            "UPDATE jikan_sync.provider SET base_url = %s, per_second = NULL, per_minute = NULL,"
            " per_day = NULL WHERE enabled",
            [simulator.url],
        )
        yield simulator


@dataclass(frozen=True)
class Sidecar:
    jikan: Lane
    embedding: Lane

    def drain(self) -> int:
        steps = 0
        while any([self.jikan.step(), self.embedding.step()]):
            steps += 1
        return steps


@pytest.fixture
def lanes(logins: Logins) -> Iterator[Sidecar]:
    settings, stop = Settings(), Event()
    made = Sidecar(
        JikanLane(db.connector(logins.sidecar, "jikan"), settings, stop, "jikan"),
        EmbeddingLane(db.connector(logins.sidecar, "embedding"), settings, stop, "embedding"),
    )
    yield made
    made.jikan.close()
    made.embedding.close()


def test_from_a_question_to_a_recommendation(
    app: Connection, connection: Connection, upstream: Simulator, lanes: Sidecar
) -> None:
    connection.execute(
        "UPDATE jikan_sync.setting SET value = 'immediate' WHERE name = 'embedding_low_priority'"
    )
    for title in TITLES:
        assert app.execute("SELECT * FROM anime.search(%s)", [title]).fetchall() == []
        assert value(app, "SELECT state FROM anime.search_status(%s)", title) == "pending"
    assert lanes.drain() >= len(TITLES)
    assert value(app, "SELECT anime.get(1) ->> 'title'") == "Cowboy Bebop"
    assert app.execute("SELECT * FROM anime.reviews(1)").fetchall() == []
    lanes.drain()
    assert value(connection, "SELECT count(*) FROM jikan_sync.dead_letter") == 0
    for title in TITLES:
        row = app.execute("SELECT title, freshness FROM anime.search(%s)", [title]).fetchone()
        assert row == (title, "fresh")
    assert value(app, "SELECT count(*) FROM anime.similar(1)") == len(TITLES) - 1
    assert value(app, "SELECT count(*) FROM anime.recommend('{1,2}', '{3}')") == len(TITLES) - 3
    rows = app.execute("SELECT match FROM anime.search_semantic('a story told often')").fetchall()
    assert {row[0] for row in rows} <= {"text"}
    lanes.drain()
    rows = app.execute("SELECT match FROM anime.search_semantic('a story told often')").fetchall()
    assert {row[0] for row in rows} & {"semantic", "both"}
    assert value(app, "SELECT count(*) FROM anime.season(1998, 'spring')") == len(TITLES)
    assert value(app, "SELECT count(*) FROM anime.catalog") == len(TITLES)
    assert value(app, "SELECT count(*) FROM anime.studio") == len(TITLES)
    assert value(app, "SELECT count(*) FROM anime.genre") == 3
    live = value(app, "CALL anime.search_live('monster')")
    assert (live["upstream"], live["results"][0]["title"]) == ("hit", "Monster")


def test_what_fails_is_told_and_released(
    sidecar: Connection, connection: Connection, upstream: Simulator, lanes: Sidecar
) -> None:
    connection.execute("SELECT jikan_sync.enqueue('anime', 1, priority => 'high')")
    upstream.fault("500", next=1)
    lanes.jikan.step()
    assert value(connection, "SELECT failures FROM jikan_sync.queue") == 1
    connection.execute("UPDATE jikan_sync.queue SET ready_at = '-infinity'")
    request = db.claim_request(sidecar, worker="w")
    assert request is not None
    assert db.release(sidecar, request)
    db.claim_request(sidecar, worker="w")
    assert db.release_worker(sidecar, worker="w") == 1


def test_every_job_runs(sidecar: Connection, connection: Connection) -> None:
    connection.execute("UPDATE jikan_sync.job SET created_at = '2020-01-01'")
    assert db.tick(sidecar) > 5
    runs = connection.execute("SELECT job_name, message FROM jikan_sync.job_run").fetchall()
    assert [run for run in runs if run[1]] == []


def test_it_hears_the_queue(app: Connection, sidecar: Connection) -> None:
    sidecar.execute("LISTEN jikan_sync")
    app.execute("SELECT anime.get(1)")
    assert [note.channel for note in sidecar.notifies(timeout=10, stop_after=1)] == ["jikan_sync"]


def test_walks_in_the_foreground(sidecar: Connection, upstream: Simulator, lanes: Sidecar) -> None:
    """What `pgjikan sync` calls."""
    run = start(sidecar, kind="catalogue")
    assert progress(sidecar, run).state == "running"
    lanes.drain()
    assert (progress(sidecar, run).state, progress(sidecar, run).item_count) == ("finished", 7)
    wanted = wanted_details(sidecar, 3)
    assert len(wanted) == 3
    queue_titles(sidecar, wanted)
    assert titles_progress(sidecar, wanted).pending_count == 3
    lanes.drain()
    assert titles_progress(sidecar, wanted).stored_count == 3
    assert estimate(sidecar, 10).request_count > 0
