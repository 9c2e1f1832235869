"""The same question goes upstream once, whoever asks, and an outage is not an answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from .conftest import Database

Connect = Callable[..., psycopg.Connection[Any]]


def ask(db: Database, query: str) -> str:
    """Wish for a question as a reader does, and fold it as the next claim does."""
    answer = str(db.value("SELECT jikan_sync.request_search(%s)", query))
    db.run("SELECT jikan_sync.fold_wishes()")
    return answer


def state(db: Database, query: str) -> str:
    return str(db.value("SELECT s.state FROM anime.search_status(%s) AS s", query))


def learn(db: Database, key: str, mal_ids: list[int]) -> None:
    """What the lane does when an upstream answered: the task ends, the answer is kept."""
    db.run("DELETE FROM jikan_sync.queue")
    db.run("SELECT jikan_sync.learn_search(%s, %s)", key, mal_ids)


def learned(db: Database, key: str) -> Any:
    return db.value("SELECT jikan_sync.learned_mal_ids(%s)", key)


def tasks(db: Database) -> list[Any]:
    return db.rows(
        "SELECT q.payload ->> 'query', q.priority FROM jikan_sync.queue AS q ORDER BY q.id"
    )


def down(db: Database) -> None:
    for number in range(5):
        db.report("transport_error", f"anime:{number}")


@pytest.mark.parametrize("query", ["", "  ", "ab", "!!ab!!", "進撃", "x" * 256])
def test_too_short_or_long_never_goes_upstream(db: Database, query: str) -> None:
    assert ask(db, query) == "refused"
    assert tasks(db) == []
    assert state(db, query) == "local"


def test_null_is_no_question(db: Database) -> None:
    assert db.value("SELECT jikan_sync.request_search(NULL)") == "refused"


def test_asked_once_in_five_minutes(db: Database) -> None:
    assert state(db, "Bebop") == "unknown"
    assert ask(db, "Cowboy Bebop") == "wished"
    assert ask(db, "  cowboy  BEBOP! ") == "pending"
    assert state(db, "cowboy bebop") == "pending"
    assert tasks(db) == [("Cowboy Bebop", "high")]


@pytest.mark.parametrize("found", [[], [1, 5]])
def test_an_answer_holds_for_five_minutes_found_or_not(db: Database, found: list[int]) -> None:
    ask(db, "cowboy bebop")
    learn(db, "cowboy bebop", found)
    assert state(db, "cowboy bebop") == "fetched"
    db.advance("4 minutes")
    assert ask(db, "Cowboy Bebop") == "recent"
    assert tasks(db) == []
    db.advance("2 minutes")
    assert ask(db, "Cowboy Bebop") == "wished"


def test_what_was_found_is_known_for_thirty_days(db: Database) -> None:
    learn(db, "that space western", [1, 5])
    db.advance("29 days")
    assert learned(db, "that space western") == [1, 5]
    db.advance("2 days")
    assert learned(db, "that space western") is None
    assert learned(db, "never asked") is None


def test_an_outage_is_remembered_apart_and_shorter(db: Database) -> None:
    learn(db, "cowboy bebop", [1])
    db.advance("10 minutes")
    ask(db, "cowboy bebop")
    db.run("SELECT jikan_sync.search_failed('cowboy bebop')")
    assert state(db, "cowboy bebop") == "unavailable"
    assert learned(db, "cowboy bebop") == [1], "what was learned before stays"
    assert ask(db, "cowboy bebop") == "unavailable"
    db.advance("31 seconds")
    assert ask(db, "cowboy bebop") == "wished"
    assert len(tasks(db)) == 1


def test_with_every_provider_down_the_question_waits_but_nobody_for_it(db: Database) -> None:
    down(db)
    assert ask(db, "cowboy bebop") == "unavailable"
    assert state(db, "cowboy bebop") == "unavailable"
    assert tasks(db) == [("cowboy bebop", "low")]
    db.advance("31 seconds")
    db.report("ok")
    assert ask(db, "cowboy bebop") == "wished"
    assert tasks(db) == [("cowboy bebop", "high")]


def test_a_question_that_nobody_answered_may_be_asked_again(db: Database) -> None:
    ask(db, "cowboy bebop")
    db.run("DELETE FROM jikan_sync.queue")
    db.advance("6 minutes")
    assert state(db, "cowboy bebop") == "unknown"
    assert ask(db, "cowboy bebop") == "wished"


def test_eight_who_ask_at_once_make_one_task(live: Database, connect: Connect) -> None:
    connections = [connect() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda c: ask(Database(c), "Cowboy Bebop"), connections))
    assert set(answers) <= {"wished", "pending"}
    live.run("SELECT jikan_sync.fold_wishes()")
    assert len(tasks(live)) == 1


def test_an_open_transaction_keeps_nobody_waiting(live: Database, connect: Connect) -> None:
    wish = "SELECT jikan_sync.request_search('cowboy bebop')"
    open_one = connect(autocommit=False)
    assert open_one.execute(wish).fetchone() == ("wished",)
    live.run("SET lock_timeout = '1 ms'")
    live.run("SELECT jikan_sync.fold_wishes()")
    assert tasks(live) == [], "a wish counts from its commit"
    assert live.value(wish) == "wished", "nobody sees the other, nobody waits"
    live.run("SELECT jikan_sync.fold_wishes()")
    open_one.commit()
    live.run("SELECT jikan_sync.fold_wishes()")
    assert tasks(live) == [("cowboy bebop", "high")]


def test_a_flood_goes_low_and_is_capped(db: Database) -> None:
    db.set(search_per_minute="5", max_live_searches="8")
    answers = [ask(db, f"junk {number}") for number in range(12)]
    assert answers == ["wished"] * 8 + ["refused"] * 4
    assert [priority for _, priority in tasks(db)] == ["high"] * 5 + ["low"] * 3
    assert state(db, "junk 11") == "unknown", "a refusal is not remembered as a question"
    db.run("DELETE FROM jikan_sync.queue")
    db.advance("61 seconds")
    ask(db, "a question")
    assert tasks(db) == [("a question", "high")]


def test_listeners_hear_of_answers_and_outages(live: Database, connect: Connect) -> None:
    ear = connect()
    ear.execute("LISTEN anime_search")
    live.run("SELECT jikan_sync.learn_search('cowboy bebop', '{1}')")
    live.run("SELECT jikan_sync.search_failed('trigun')")
    heard = [note.payload for note in ear.notifies(timeout=5, stop_after=2)]
    assert heard == ["", ""], "whoever listens learns that, not what, others searched"


def test_what_answers_nothing_is_purged(db: Database) -> None:
    learn(db, "found", [1])
    learn(db, "empty", [])
    ask(db, "asked only")
    db.run("DELETE FROM jikan_sync.queue")
    ask(db, "waits")
    db.advance("25 hours")
    assert db.value("SELECT jikan_sync.purge_search_requests()") == 2
    db.advance("30 days")
    assert db.value("SELECT jikan_sync.purge_search_requests()") == 1


def test_the_reader_sees_how_a_query_stands(db: Database, connect: Connect) -> None:
    learn(db, "cowboy bebop", [1, 5])
    reader = Database(connect(role="anime_reader"))
    assert reader.row(
        "SELECT s.query_key, s.state, s.found_count FROM anime.search_status('Cowboy Bebop') AS s"
    ) == ("cowboy bebop", "fetched", 2)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.run("SELECT jikan_sync.request_search('trigun')")
