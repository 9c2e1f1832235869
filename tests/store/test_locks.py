"""Who stores waits for nobody who only reads, and for other writers in one order."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.store.documents import anime, entry, full
from tests.store.test_store_anime import store, value
from tests.vector_steps import answer, claim

Connection = psycopg.Connection[Any]
Connect = Callable[..., Connection]


@contextmanager
def waiting(
    watcher: Connection, connection: Connection, act: Callable[[], object]
) -> Iterator[list[BaseException]]:
    """Act in a thread until it waits for a lock; at the end of the body it must come to its end.

    What it raised is in the list.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except psycopg.Error as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    pid = connection.info.backend_pid
    while not value(watcher, "SELECT cardinality(pg_catalog.pg_blocking_pids(%s)) > 0", pid):
        assert thread.is_alive(), f"it did not wait for anybody: {raised}"
    yield raised
    thread.join(timeout=30)
    assert not thread.is_alive()


def test_a_page_and_a_batch_of_vectors_lock_in_one_order(
    connection: Connection, connect: Connect
) -> None:
    # Ids of ours in another order than MyAnimeList's.
    for mal_id in (20, 30, 10):
        store(connection, [anime(mal_id, title=f"Title {mal_id}")])
    texts = claim(connection)
    assert len(texts) == 3
    blocker, page, batch = connect(autocommit=False), connect(), connect()

    # The batch has the first row and waits for the second; the page comes and wants the first and
    # the third. If it had the third by then, either would wait for the other.
    blocker.execute("SELECT FROM jikan.anime WHERE mal_id = 30 FOR UPDATE")
    changed = [anime(mal_id, title=f"Title {mal_id}", score=5) for mal_id in (10, 20)]
    with (
        waiting(connection, batch, lambda: answer(batch, texts)) as batch_raised,
        waiting(connection, page, lambda: store(page, changed)) as page_raised,
    ):
        blocker.commit()
    assert (batch_raised, page_raised) == ([], [])
    assert value(connection, "SELECT count(*) FROM jikan.embedding") == 3
    assert value(connection, "SELECT count(*) FROM jikan.anime WHERE score = 5") == 2


def sequel(mal_id: int, other: int) -> dict[str, Any]:
    relation = {"relation": "Sequel", "entry": [entry(other, "The next")]}
    return full(mal_id, title=f"Part {mal_id}", relations=[relation])


def test_nobody_who_reads_can_stop_the_franchises(connection: Connection, connect: Connect) -> None:
    reader = connect(role="anime_reader")
    reader.execute("SELECT pg_advisory_lock(hashtextextended('jikan.franchise', 0))")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("SELECT FROM jikan_sync.mutex FOR UPDATE")
    writer = connect(autocommit=False, options="-c lock_timeout=2s")
    assert store(writer, [sequel(1, 2)]) == (1, 0, 0, 0)
    held = "SELECT count(*) FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND pid = %s"
    assert value(connection, held, writer.info.backend_pid) == 0
    writer.commit()
    assert value(connection, "SELECT count(*) FROM jikan.franchise") == 2


def test_two_halves_of_a_franchise_stored_at_once_become_one(
    connection: Connection, connect: Connect
) -> None:
    store(connection, [sequel(1, 2), sequel(3, 4)])
    one, other = connect(autocommit=False), connect()
    store(one, [sequel(5, 1)])
    with waiting(
        connection, other, lambda: store(other, [sequel(5000, 5), sequel(6, 3)])
    ) as raised:
        one.commit()
    assert raised == []
    store(connection, [sequel(7, 6), sequel(8, 1)])
    families = connection.execute(
        "SELECT array_agg(mal_id ORDER BY mal_id) FROM jikan.franchise GROUP BY franchise_id"
    ).fetchall()
    assert sorted(families) == [([1, 2, 5, 8, 5000],), ([3, 4, 6, 7],)]


def test_sessions_that_add_the_same_titles_wait_in_no_circle(
    connection: Connection, connect: Connect
) -> None:
    """Some batches hold a document that fails, and are then done one by one."""
    sessions = [connect() for _ in range(4)]
    together = threading.Barrier(len(sessions))
    raised: list[psycopg.Error] = []

    def add(session: Connection, chance: random.Random) -> None:
        for first in range(1, 401, 100):
            together.wait()
            for has_fault in (True, False, True):
                documents = [
                    anime(mal_id, title=f"Title {mal_id} {chance.random()}")
                    for mal_id in chance.sample(range(first, first + 40), 12)
                ]
                if has_fault:
                    documents[chance.randrange(12)]["year"] = 99_999_999_999
                try:
                    session.execute(
                        "SELECT jikan_sync.store_anime(%s::jsonb)", [json.dumps(documents)]
                    )
                except psycopg.Error as error:
                    raised.append(error)

    threads = [
        threading.Thread(target=add, args=(session, random.Random(number)))
        for number, session in enumerate(sessions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raised == []
    assert value(connection, "SELECT count(*) FROM jikan.anime") > 100
