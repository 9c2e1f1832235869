"""Failures that tell no cause: too many texts, one text too much, or a provider that is down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from tests.vector_steps import Claimed, Connection, answer, claim, fail, store, title, value

SetClock = Callable[[str], None]
LIVE = "SELECT count(*) FROM jikan_sync.queue WHERE lane = 'embedding'"
VECTORS = "SELECT count(*) FROM jikan.embedding"
DEAD = "SELECT mal_id, reason FROM jikan_sync.dead_letter ORDER BY mal_id"
CHARGED = "SELECT DISTINCT mal_id FROM jikan_sync.queue_history WHERE error_class IN ('row', 'bug')"


@pytest.fixture(autouse=True)
def _at_the_start(set_clock: SetClock) -> None:
    set_clock("2026-01-01 00:00Z")


@pytest.fixture
def google(connection: Connection) -> Connection:
    """A database whose one model is Google's, without a limit on pace."""
    model = value(connection, "SELECT jikan_sync.add_embedding_model('google', 'g', 4)")
    connection.execute("SELECT jikan_sync.switch_embedding_model(%s, true)", [model])
    connection.execute("SELECT jikan_sync.drop_embedding_model(1)")
    connection.execute("DELETE FROM jikan_sync.rate_limit WHERE subject = 'embedding:google'")
    return connection


def work_off(
    connection: Connection,
    set_clock: SetClock,
    is_failed: Callable[[Sequence[Claimed]], bool],
    *,
    outcome: str = "provider_error",
    rounds: int = 400,
) -> list[int]:
    """Answer or fail every request until nothing is left; the sizes of those that failed."""
    now = datetime(2026, 1, 1)
    failed: list[int] = []
    for _ in range(rounds):
        now += timedelta(seconds=1)
        set_clock(f"{now}Z")
        if texts := claim(connection):
            if is_failed(texts):
                failed.append(len(texts))
                fail(connection, texts, outcome)
            else:
                answer(connection, texts)
        elif value(connection, LIVE) == 0:
            return failed
        else:
            now += timedelta(minutes=11)
    raise AssertionError(f"not done; requests of these sizes failed: {failed}")


def test_an_api_that_cannot_take_so_many_gets_fewer(
    google: Connection, set_clock: SetClock
) -> None:
    store(google, *({"mal_id": number} for number in range(1, 301)))
    failed = work_off(google, set_clock, lambda texts: len(texts) > 20, outcome="transport_error")
    assert value(google, VECTORS) == 300
    assert len(failed) <= 6, "it learns once, not with every batch"
    assert google.execute(CHARGED).fetchall() == []
    # A day later more are tried again.
    set_clock("2026-02-01 00:00Z")
    store(google, *({"mal_id": number} for number in range(301, 501)))
    answer(google, claim(google))
    assert len(claim(google)) > 20


def test_a_text_that_always_fails_is_found_and_charged_alone(
    google: Connection, set_clock: SetClock
) -> None:
    store(google, {"mal_id": 201, "title": "Poison"})
    store(google, *({"mal_id": number} for number in range(1, 201)))
    failed = work_off(
        google, set_clock, lambda texts: any("Poison" in text.input for text in texts)
    )
    assert value(google, VECTORS) == 200
    assert google.execute(DEAD).fetchall() == [(201, "row")]
    assert google.execute(CHARGED).fetchall() == [(201,)]
    # 11 to 32 by the jitter of the waits; one by one it would be 200.
    assert len(failed) < 80
    store(google, *({"mal_id": number} for number in range(301, 501)))
    google.execute("SELECT jikan_sync.clock_advance('1 hour')")
    assert len(claim(google)) > 20, "the number was not to blame"


def test_a_text_that_always_fails_and_is_the_only_one_is_given_up_too(
    google: Connection, set_clock: SetClock
) -> None:
    store(google, {"mal_id": 1})
    failed = work_off(google, set_clock, lambda texts: True)
    assert google.execute(DEAD).fetchall() == [(1, "row")]
    died = value(google, "SELECT died_at FROM jikan_sync.dead_letter")
    assert died > datetime(2026, 1, 2, tzinfo=UTC), "a provider that is down for a day may be back"
    assert len(failed) > 50


def test_while_the_provider_is_down_nobody_is_charged(
    google: Connection, set_clock: SetClock
) -> None:
    store(google, *({"mal_id": number} for number in range(1, 121)))
    requests = 0

    def is_down(texts: Sequence[Claimed]) -> bool:
        nonlocal requests
        requests += 1
        return requests <= 100

    failed = work_off(google, set_clock, is_down)
    assert len(failed) == 100
    assert failed[-1] == 1, "a dead provider is asked little"
    assert value(google, VECTORS) == 120
    assert google.execute(CHARGED).fetchall() == []
    assert requests < 130, "and much again when it is back"


def test_a_model_that_is_gone_is_asked_no_more_and_its_successor_is(
    google: Connection, set_clock: SetClock
) -> None:
    store(google, {"mal_id": 1}, {"mal_id": 2})
    assert fail(google, claim(google), "model_gone") == "retry"
    assert claim(google) == []
    assert not value(google, "SELECT jikan_sync.embedding_available()")
    assert "is gone" in value(google, "SELECT array_to_string(reasons, '; ') FROM anime.health")
    [(until, reason)] = google.execute(
        "SELECT blocked_until::text, blocked_reason FROM jikan_sync.embedding_status()"
    ).fetchall()
    assert until.startswith("2026-01-02") and "switch" in reason
    assert value(google, LIVE) == 2, "what waits for a vector still does"
    assert value(google, "SELECT max(failure_count) FROM jikan_sync.embedding_provider") == 0

    other = value(google, "SELECT jikan_sync.add_embedding_model('google', 'next', 4)")
    texts = claim(google)
    assert [text.model for text in texts] == ["next"] * 2
    answer(google, texts)
    assert value(google, LIVE) == 0, "nothing waits for the one that is gone"
    google.execute("SELECT jikan_sync.switch_embedding_model(%s)", [other])
    status = google.execute("SELECT DISTINCT sync_status FROM jikan.anime").fetchall()
    assert status == [("fresh",)]
    assert "is gone" not in value(google, "SELECT reasons::text FROM anime.health")


def test_a_model_that_is_back_is_found_within_a_day(
    google: Connection, set_clock: SetClock
) -> None:
    store(google, {"mal_id": 1})
    fail(google, claim(google), "model_gone")
    set_clock("2026-01-02 00:00:01Z")
    fail(google, claim(google), "model_gone")
    assert claim(google) == []
    set_clock("2026-01-03 00:00:02Z")
    answer(google, claim(google))
    assert value(google, "SELECT count(gone_until) FROM jikan.embedding_model") == 0


def test_a_quota_of_texts_is_kept_in_every_sliding_window(
    google: Connection, set_clock: SetClock
) -> None:
    google.execute(
        "INSERT INTO jikan_sync.rate_limit (subject, unit, period, allowed, burst)"
        " VALUES ('embedding:google', 'text', '1 minute', 60, 25)"
    )
    store(google, *({"mal_id": number} for number in range(1, 301)))
    now, sent = datetime(2026, 1, 1), [(datetime(2026, 1, 1), 0)]
    while value(google, LIVE):
        now += timedelta(seconds=1)
        set_clock(f"{now}Z")
        if texts := claim(google):
            sent.append((now + texts[0].wait, len(texts)))
            now += texts[0].wait
            set_clock(f"{now}Z")
            answer(google, texts)
    for start, _ in sent:
        window = [n for at, n in sent if start <= at < start + timedelta(minutes=1)]
        assert sum(window) <= 60
    assert now - datetime(2026, 1, 1) < timedelta(minutes=300 / 30), "and well used"


def test_a_unit_that_nothing_counts_is_refused(google: Connection) -> None:
    with pytest.raises(Exception, match="rate_limit_unit_check"):
        google.execute(
            "INSERT INTO jikan_sync.rate_limit (subject, unit, period, allowed)"
            " VALUES ('embedding:google', 'texts', '1 minute', 60)"
        )


def test_a_text_that_cannot_be_made_costs_its_task_only(
    connection: Connection, set_clock: SetClock
) -> None:
    store(connection, *({"mal_id": number} for number in range(1, 6)))
    connection.execute(
        """
        ALTER FUNCTION jikan_sync.embedding_demand(jikan_sync.claimed_task[])
            RENAME TO embedding_demand_made;
        CREATE FUNCTION jikan_sync.embedding_demand(tasks jikan_sync.claimed_task[])
        RETURNS TABLE (
            task_number bigint, task_id bigint, lease_token uuid, purpose text, input text,
            title text, input_hash uuid, anime_id bigint, model_id integer, is_active boolean
        ) LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT FROM unnest(tasks) AS t WHERE t.mal_id = 3) THEN
                RAISE 'a bug of its own' USING ERRCODE = 'internal_error';
            END IF;
            RETURN QUERY SELECT * FROM jikan_sync.embedding_demand_made(tasks);
        END;
        $$;
        """
    )
    work_off(connection, set_clock, lambda texts: False)
    assert value(connection, VECTORS) == 4
    assert connection.execute(DEAD).fetchall() == [(3, "bug")]
    assert connection.execute(CHARGED).fetchall() == [(3,)]
    message = value(connection, "SELECT message FROM jikan_sync.dead_letter")
    assert message == "a bug of its own"


def test_the_title_that_breaks_the_store_pays_for_it(
    connection: Connection, set_clock: SetClock
) -> None:
    store(connection, *({"mal_id": number} for number in range(1, 41)))
    work_off(
        connection,
        set_clock,
        lambda texts: any(title(17) in text.input for text in texts),
        outcome="bug",
    )
    assert value(connection, VECTORS) == 39
    assert connection.execute(DEAD).fetchall() == [(17, "bug")]
    assert connection.execute(CHARGED).fetchall() == [(17,)]
