"""The breaker: opened by many, not by one; one canary; failover and back."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from .conftest import Database

Connect = Callable[..., psycopg.Connection[Any]]

SILENCE, BROKEN = "transport_error", "upstream_error"


@pytest.fixture(autouse=True)
def unlimited(db: Database) -> None:
    db.unlimited()


@pytest.fixture
def second(db: Database) -> str:
    db.run("SELECT jikan_sync.enable_provider('jikan')")
    return "jikan"


def break_it(db: Database, provider: str = "tenrai", outcome: str = BROKEN) -> None:
    for number in range(1, 6):
        db.report(outcome, f"anime:{number}", provider)
    assert db.breaker(provider) == "open"


def test_one_broken_title_is_no_broken_provider(db: Database) -> None:
    for _ in range(50):
        db.report(BROKEN, "anime:4711")
    assert db.breaker() == "closed"
    assert db.reserve(subject="anime:4711") == ("tenrai", False)


@pytest.mark.parametrize("outcome", [BROKEN, SILENCE, "invalid"])
def test_many_broken_titles_are(db: Database, outcome: str) -> None:
    for number in range(1, 5):
        db.report(outcome, f"anime:{number}")
        assert db.breaker() == "closed"
    db.report(outcome, "anime:5")
    assert db.breaker() == "open"
    assert not db.available
    assert db.reserve() is None


def test_a_list_counts_every_time(db: Database) -> None:
    for _ in range(5):
        db.report(BROKEN, "catalogue", task="catalogue")
    assert db.breaker() == "open"


@pytest.mark.parametrize("answer", ["ok", "not_found", "not_yet", "rejected", "rate_limited"])
def test_any_answer_in_between_is_a_sign_of_life(db: Database, answer: str) -> None:
    for number in range(20):
        db.report(BROKEN, f"anime:{number}")
        if number % 4 == 3:
            db.report(answer, "anime:1000")
    assert db.breaker() == "closed"


def test_old_failures_are_forgotten(db: Database) -> None:
    for number in range(20):
        db.report(BROKEN, f"anime:{number}")
        db.advance("80 seconds")
    assert db.breaker() == "closed"


def test_an_outage_charges_nobody(db: Database) -> None:
    db.run("SELECT jikan_sync.enqueue_many('anime', '{1,2,3}')")
    break_it(db)
    assert db.rows("SELECT c.id FROM jikan_sync.claim('w', 'jikan', 3) AS c") == []
    assert db.value("SELECT sum(q.attempts + q.failures) FROM jikan_sync.queue AS q") == 0


def test_one_canary_whoever_asks(db: Database, connect: Connect) -> None:
    break_it(db)
    db.advance("31 seconds")
    assert db.available

    def ask(connection: psycopg.Connection[Any]) -> list[Any]:
        return [Database(connection).reserve() for _ in range(5)]

    with ThreadPoolExecutor(8) as pool:
        connections = [connect() for _ in range(8)]
        slots = [slot for got in pool.map(ask, connections) for slot in got if slot]
    assert slots == [("tenrai", True)]
    assert not db.available


def test_a_good_canary_closes(db: Database) -> None:
    break_it(db)
    db.advance("31 seconds")
    db.reserve()
    db.report("ok")
    assert db.breaker() == "closed"
    assert db.reserve() == ("tenrai", False)
    for number in range(1, 5):
        db.report(BROKEN, f"anime:{number}")
    assert db.breaker() == "closed", "the old failures no longer count"


def test_a_bad_canary_opens_again(db: Database) -> None:
    break_it(db)
    for _ in range(3):
        db.advance("31 seconds")
        assert db.reserve() == ("tenrai", True)
        assert db.report(BROKEN, "anime:1") == 30, "worth trying at the next canary"
        assert db.breaker() == "open"
        assert db.reserve() is None


def test_a_lost_canary_is_replaced(db: Database) -> None:
    break_it(db)
    db.advance("31 seconds")
    assert db.reserve() == ("tenrai", True)
    db.advance("59 seconds")
    assert db.reserve() is None
    db.advance("2 seconds")
    assert db.reserve() == ("tenrai", True)


def test_a_canary_that_cannot_have_its_turn_is_not_spent(db: Database) -> None:
    break_it(db)
    db.run("SELECT jikan_sync.set_provider('tenrai', per_minute => 1)")
    db.run("SELECT jikan_sync.reserve_rate('provider:tenrai', '{\"request\": 1}')")
    db.advance("31 seconds")
    assert db.reserve() is None
    assert db.breaker() == "open"
    db.advance("31 seconds")
    assert db.reserve() == ("tenrai", True)


def test_the_next_provider_takes_over_and_gives_back(db: Database, second: str) -> None:
    assert db.reserve() == ("tenrai", False)
    break_it(db)
    assert db.available
    assert db.reserve() == (second, False)
    db.advance("31 seconds")
    assert db.reserve() == ("tenrai", True), "found again within a minute"
    assert db.reserve() == (second, False), "others go on at the second meanwhile"
    db.report("ok")
    assert db.reserve() == ("tenrai", False)


def test_what_one_failed_at_goes_to_the_other_at_once(db: Database, second: str) -> None:
    assert db.report(BROKEN, "anime:1") == 0
    assert db.reserve(subject="anime:1") == (second, False)
    assert db.reserve(subject="anime:2") == ("tenrai", False)
    assert db.report(BROKEN, "anime:1", second) is None, "nobody left to try: the queue's backoff"
    db.advance("31 seconds")
    assert db.reserve(subject="anime:1") == ("tenrai", False)


def test_a_title_broken_everywhere_does_not_bounce(db: Database, second: str) -> None:
    """Other titles are answered in between; that must not make it worth trying at once again."""
    assert db.report(BROKEN, "anime:1") == 0
    for _ in range(5):
        db.report("ok", "anime:2")
        db.report("ok", "anime:2", second)
        assert db.report(BROKEN, "anime:1", second) is None
        db.advance("20 seconds")
        assert db.report(BROKEN, "anime:1") is None


def test_silence_is_doubted_at_once(db: Database, second: str) -> None:
    db.report(SILENCE, "anime:1")
    assert db.reserve(subject="anime:2") == (second, False)
    db.advance("31 seconds")
    assert db.reserve(subject="anime:2") == ("tenrai", False)


def test_doubt_does_not_stop_the_only_provider(db: Database) -> None:
    db.report(SILENCE, "anime:1")
    assert db.reserve(subject="anime:1") == ("tenrai", False)


def test_a_busy_provider_is_passed_over(db: Database, second: str) -> None:
    db.report("rate_limited", retry_after="10 minutes")
    assert db.breaker() == "closed"
    assert db.reserve() == (second, False)
    db.run("SELECT jikan_sync.enable_provider('jikan', false)")
    assert not db.available
    assert db.report("rate_limited") == pytest.approx(600), "the pause says when"


def test_a_disabled_provider_is_asked_only_by_name(db: Database) -> None:
    db.run("SELECT jikan_sync.enable_provider('tenrai', false)")
    assert db.reserve() is None
    assert not db.available
    assert db.reserve(only_provider="jikan") == ("jikan", False)


def test_requests_are_counted_by_the_hour(db: Database) -> None:
    db.report("ok")
    db.report("ok")
    db.report(BROKEN)
    db.advance("1 hour")
    db.report("ok", provider="removed since")
    assert db.rows(
        "SELECT s.provider, s.outcome, s.request_count FROM jikan_sync.request_stat AS s"
        " ORDER BY s.hour, s.outcome"
    ) == [("tenrai", "ok", 2), ("tenrai", BROKEN, 1), ("removed since", "ok", 1)]
    assert db.row(
        "SELECT s.request_count, s.failure_count FROM jikan_sync.provider_status AS s"
        " WHERE s.name = 'tenrai'"
    ) == (3, 1)


def test_it_is_told_what_failed_and_when_it_is_tried_next(db: Database) -> None:
    told = (
        "SELECT s.last_failure, extract(EPOCH FROM s.next_try_at - jikan_sync.clock_now())::int"
        " FROM jikan_sync.provider_status AS s WHERE s.name = 'tenrai'"
    )
    assert db.row(told) == (None, None)
    for n in range(6):
        db.report(BROKEN, f"anime:{n}")
    assert db.row(told) == (BROKEN, 30), "the canary"
    db.run("SELECT jikan_sync.enable_provider('tenrai', false)")
    assert db.row(told) == (BROKEN, None), "never, while it is disabled"
    db.run("SELECT jikan_sync.enable_provider('tenrai')")
    db.advance("31 seconds")
    assert db.row(told) == (BROKEN, None), "at once"
    db.report("ok")
    db.report("rate_limited", retry_after="10 minutes")
    assert db.row(told) == (BROKEN, 600), "the pause after a 429"


def test_an_unknown_outcome_is_refused(db: Database) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="no outcome"):
        db.report("fine")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/v4",
        "http://",
        "https://me:secret@127.0.0.1/v4",
        "https://secret@127.0.0.1",
        "http://127.0.0.1/v4?key=1",
        "http://127.0.0.1/v4#x",
        "http://127.0.0.1/a b",
        "http://good.example\\@127.0.0.1/",
    ],
)
def test_a_base_url_is_http_without_secrets(db: Database, url: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="cannot be set"):
        db.run("SELECT jikan_sync.set_provider('tenrai', %s)", url)


def test_providers_are_set_by_name(db: Database) -> None:
    db.run("SELECT jikan_sync.set_provider('mine', 'http://127.0.0.1:1/v4', per_minute => 30)")
    db.run("SELECT jikan_sync.set_provider('mine', rank => 9)")
    assert db.row(
        "SELECT p.rank, p.per_minute, p.enabled FROM jikan_sync.provider AS p WHERE p.name = 'mine'"
    ) == (9, 30, True)
    with pytest.raises(psycopg.errors.NoDataFound, match="no provider"):
        db.run("SELECT jikan_sync.set_provider('other', rank => 8)")
    with pytest.raises(psycopg.errors.NoDataFound, match="no provider"):
        db.run("SELECT jikan_sync.enable_provider('other')")


def test_a_taken_rank_moves_the_others_on(db: Database) -> None:
    ranked = "SELECT array_agg(p.name ORDER BY p.rank) FROM jikan_sync.provider AS p"
    db.run("SELECT jikan_sync.set_provider('mine', 'http://127.0.0.1:1/v4', rank => 1)")
    assert db.value(ranked) == ["mine", "tenrai", "jikan"]
    db.run("SELECT jikan_sync.set_provider('jikan', rank => 2)")
    assert db.value(ranked) == ["mine", "jikan", "tenrai"]
    db.run("SELECT jikan_sync.set_provider('jikan', rank => 2)")
    assert db.value(ranked) == ["mine", "jikan", "tenrai"]
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="cannot be set"):
        db.run("SELECT jikan_sync.set_provider('jikan', rank => 0)")


def test_the_sidecar_may_reserve_and_report_and_no_more(connect: Connect) -> None:
    sidecar = Database(connect(role="jikan_sidecar"))
    assert sidecar.reserve() == ("tenrai", False)
    sidecar.report("ok")
    for query in (
        "SELECT name FROM jikan_sync.provider",
        "SELECT jikan_sync.reserve_rate('provider:tenrai', '{}')",
        "SELECT jikan_sync.enable_provider('jikan')",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            sidecar.run(query)
