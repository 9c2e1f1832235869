"""Who ends what others left waits for nobody: it locks many rows, and in no order but its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.queue.conftest import Queue
from tests.store.documents import anime
from tests.store.test_store_anime import store
from tests.vector_steps import answer, claim

Connect = Callable[..., psycopg.Connection[Any]]
SWEEP = "SELECT jikan_sync.sweep_leases()"
HELD = {
    "the task": "SELECT FROM jikan_sync.queue WHERE mal_id = 2 FOR UPDATE",
    "its row of the ledger": "SELECT FROM jikan_sync.ledger WHERE mal_id = 2 FOR UPDATE",
}


@pytest.mark.parametrize("what", HELD)
def test_a_sweep_leaves_what_another_holds_to_the_next(
    queue: Queue, connect: Connect, what: str
) -> None:
    queue.mirror(1, 2, 3)
    for mal_id in (1, 2, 3):
        queue.add("anime", mal_id)
    queue.add("anime", 4)  # nobody has a row of the ledger for it
    assert len(queue.claim(4)) == 4
    queue.one("SELECT jikan_sync.clock_advance('1 day')")
    holder = connect(autocommit=False)
    holder.execute(HELD[what])
    queue.connection.execute("SET lock_timeout = '200ms'")
    assert queue.one(SWEEP) == 3
    assert queue.one("SELECT count(*) FROM jikan_sync.lease") == 1
    holder.commit()
    assert queue.one(SWEEP) == 1
    assert queue.one("SELECT count(*) FROM jikan_sync.lease") == 0


def test_a_claim_waits_for_no_title_that_is_being_stored(
    connection: psycopg.Connection[Any], connect: Connect
) -> None:
    """What a claim holds are tasks, which a store wants after the title."""
    store(connection, [anime(1, title="One text")])
    answer(connection, claim(connection))
    store(connection, [anime(2, title="One text")])
    storing = connect(autocommit=False)
    storing.execute("SELECT FROM jikan.anime WHERE mal_id = 2 FOR NO KEY UPDATE")
    connection.execute("SET lock_timeout = '200ms'")
    assert claim(connection) == []
    storing.commit()
    assert claim(connection) == []
    row = connection.execute(
        "SELECT (SELECT sync_status FROM jikan.anime WHERE mal_id = 2), count(*)"
        " FROM jikan_sync.queue"
    ).fetchone()
    assert row == ("fresh", 0)


@pytest.mark.parametrize("end", ["SELECT jikan_sync.release_worker('w')", SWEEP])
def test_to_end_leases_reads_no_tasks_but_theirs(queue: Queue, connect: Connect, end: str) -> None:
    queue.connection.execute(
        "INSERT INTO jikan_sync.queue (task, mal_id) SELECT 'anime', m"
        " FROM generate_series(1, 20000) AS m"
    )
    queue.connection.execute("ANALYZE jikan_sync.queue")
    assert len(queue.claim(3)) == 3
    queue.one("SELECT jikan_sync.clock_advance('1 day')")
    session = connect(autocommit=False)
    session.execute(end)
    row = session.execute(
        "SELECT pg_stat_get_xact_tuples_returned(c) + pg_stat_get_xact_tuples_fetched(c)"
        " FROM (SELECT 'jikan_sync.queue'::regclass::oid) AS q (c)"
    ).fetchone()
    assert row is not None
    assert row[0] < 100
