"""A login that asks junk without end fills no queue, spends no budget and silences nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from pydantic import HttpUrl

from pgjikan.db import connector
from pgjikan.jikan_lane import JikanLane
from pgjikan.settings import Settings
from tests.conftest import Simulate
from tests.upstream.conftest import START, Database

Connect = Callable[..., psycopg.Connection[Any]]
Login = Callable[[str], psycopg.Connection[Any]]
CLIENTS = 12
HIGH = 30  # search_per_minute


@pytest.fixture
def db(connection: psycopg.Connection[Any]) -> Database:
    database = Database(connection)
    database.run("SELECT jikan_sync.clock_set(%s)", START)
    database.unlimited()
    return database


@pytest.fixture
def login(db: Database, connect: Connect) -> Iterator[Login]:
    """Connections as logins with `anime_reader`: `login('junk')`."""
    names: dict[str, sql.Identifier] = {}

    def open_one(name: str) -> psycopg.Connection[Any]:
        if name not in names:
            names[name] = sql.Identifier(f"{name}_{uuid4().hex[:8]}")
            statement = sql.SQL("CREATE ROLE {} LOGIN IN ROLE anime_reader")
            db.connection.execute(statement.format(names[name]))
        session = connect()
        session.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(names[name]))
        return session

    yield open_one
    for name in names.values():
        db.connection.execute(sql.SQL("DROP ROLE {}").format(name))


def flood(session: psycopg.Connection[Any], first: int, count: int) -> None:
    """Ask distinct junk, each in a transaction of its own unless one is open."""
    with session.cursor() as cursor:
        for number in range(first, first + count):
            cursor.execute("SELECT FROM anime.search(%s)", [f"qzx{number} wvk{number}"])


def waiting(db: Database) -> Any:
    """How many tasks wait, and how many of them as high, when all wishes are tasks."""
    while db.value("SELECT jikan_sync.fold_wishes()"):
        pass
    assert db.value("SELECT count(*) FROM jikan_sync.wish") == 0
    return db.row(
        "SELECT count(*), count(*) FILTER (WHERE q.priority = 'high') FROM jikan_sync.queue AS q"
    )


def test_many_clients_of_one_login_fill_no_queue(db: Database, login: Login) -> None:
    sessions = [login("junk") for _ in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda n: flood(sessions[n], n * 1000, 80), range(CLIENTS)))
    live, high = waiting(db)
    assert live == 2 * HIGH
    assert high <= 20  # max_high_searches
    assert db.value("SELECT count(*) FROM jikan_sync.search_request") == live

    login("good").execute("SELECT FROM anime.search('kemonozume')")
    assert waiting(db)[0] == live + 1, "one login's flood is not another's silence"


def test_open_transactions_cannot_hide_a_flood(db: Database, login: Login) -> None:
    """Nothing is counted by who asks, so nothing is held: no row, no lock, nothing to wait for."""
    sessions = [login("junk") for _ in range(CLIENTS)]
    for number, session in enumerate(sessions):
        session.execute("BEGIN")
        flood(session, number * 1000, 2 * HIGH + 40)
    assert db.rows("SELECT pid FROM pg_catalog.pg_locks WHERE locktype = 'advisory'") == []
    assert waiting(db)[0] == 0, "what is not committed is not wished"
    for session in sessions:
        session.execute("COMMIT")
    assert waiting(db)[0] == 2 * HIGH


def test_junk_spends_a_twentieth_of_the_budget(
    db: Database, login: Login, database: str, simulate: Simulate
) -> None:
    junk, good = login("junk"), login("good")
    by_minute = []
    with simulate() as jikan:
        lane = JikanLane(
            connector(database, "test lane"),
            Settings(jikan_url=HttpUrl(jikan.url)),
            Event(),
            "lane",
        )
        for minute in range(13):
            flood(junk, minute * 1000, 70)
            before = jikan.stats()["total"]
            while lane.step():
                pass
            by_minute.append(jikan.stats()["total"] - before)
            db.advance("1 minute")
        good.execute("SELECT FROM anime.search('kemonozume')")
        waiting(db)
        assert db.rows("SELECT q.payload ->> 'query', q.priority FROM jikan_sync.queue AS q") == [
            ("kemonozume", "high")
        ]
        lane.close()
    assert by_minute == [2 * HIGH] + [3] * 12, "three of sixty"

    db.advance("10 minutes")
    flood(junk, 90_000, 70)
    assert waiting(db)[0] == 1 + 2 * HIGH, "who stops is believed again"


def test_an_hour_has_its_own_limit(db: Database, login: Login) -> None:
    """What upstreams find is no junk, and still no login may spend the whole day's budget."""
    db.set(search_per_hour="100")
    junk = login("junk")
    for minute in range(3):
        flood(junk, minute * 1000, 70)
        waiting(db)
        db.run(
            "SELECT jikan_sync.learn_search(q.payload ->> 'query_key', '{1}')"
            " FROM jikan_sync.queue AS q"
        )
        db.run("DELETE FROM jikan_sync.queue")
        db.advance("1 minute")
    assert db.value("SELECT count(*) FROM jikan_sync.search_request") == 100
