"""What follows from a failure, by its class; the way to the dead letters and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from .conftest import Queue

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def wait_of(queue: Queue, task_id: int) -> timedelta:
    return queue.one(  # type: ignore[no-any-return]
        "SELECT ready_at - jikan_sync.clock_now() FROM jikan_sync.queue WHERE id = %s", task_id
    )


def fail_often(queue: Queue, error_class: str, times: int) -> list[float]:
    """Fail one task again and again; return the waits in seconds."""
    waits = []
    for _ in range(times):
        queue.connection.execute("SELECT jikan_sync.clock_advance('2 days')")
        [task] = queue.claim()
        if queue.fail(task, error_class) == "dead":
            break
        waits.append(wait_of(queue, task["id"]).total_seconds())
    return waits


@pytest.mark.parametrize(
    ("error_class", "expected"),
    [
        ("row", [60, 240, 960, 3840]),
        ("bug", [300, 1800, 10800, 64800]),
        ("rate_limited", [5, 10, 20, 40, 80, 160, 320, 600, 600]),
        ("provider_down", [15, 30, 60, 120, 240, 480, 900, 900]),
    ],
)
def test_backoff_grows_by_class(queue: Queue, error_class: str, expected: list[int]) -> None:
    queue.add("anime", 1)
    waits = fail_often(queue, error_class, len(expected) + (error_class in ("row", "bug")))
    assert len(waits) == len(expected)
    for wait, middle in zip(waits, expected, strict=True):
        assert 0.75 * middle <= wait <= 1.25 * middle


def test_jitter_spreads_a_crowd(queue: Queue) -> None:
    waits = {
        queue.one("SELECT jikan_sync.retry_delay('provider_down', 3)::text") for _ in range(20)
    }
    assert len(waits) > 15


def test_provider_faults_charge_nothing(queue: Queue) -> None:
    task_id = queue.add("anime", 1)
    fail_often(queue, "provider_down", 40)
    fail_often(queue, "rate_limited", 5)
    live = queue.live(task_id)
    assert (live["attempts"], live["failures"], len(live["errors"])) == (0, 45, 20)


def test_named_wait_replaces_the_policy(queue: Queue) -> None:
    task_id = queue.add("anime", 1)
    [task] = queue.claim()
    queue.fail(task, "rate_limited", "100 seconds")
    assert 100 <= wait_of(queue, task_id).total_seconds() <= 110


def test_named_wait_is_heeded_within_reason(queue: Queue) -> None:
    queue.connection.execute(
        "UPDATE jikan_sync.setting SET value = '20 minutes' WHERE name = 'rate_pause_max'"
    )
    for mal_id, named, seconds in ((1, "10 years", 1200), (2, "-1 second", 0)):
        task_id = queue.add("anime", mal_id)
        [task] = queue.claim()
        queue.fail(task, "rate_limited", named)
        assert seconds <= wait_of(queue, task_id).total_seconds() <= 1.1 * seconds


def test_death_and_return(queue: Queue) -> None:
    queue.mirror(7)
    task_id = queue.add("anime", 7, priority="high")
    fail_often(queue, "provider_down", 1)
    fail_often(queue, "row", 5)
    assert queue.one("SELECT count(*) FROM jikan_sync.queue") == 0
    [dead] = queue.rows("SELECT * FROM jikan_sync.dead_letter")
    assert (dead["id"], dead["mal_id"], dead["priority"]) == (task_id, 7, "high")
    assert (dead["attempts"], dead["reason"], dead["message"]) == (5, "row", "why")
    assert [error["class"] for error in dead["errors"]] == ["provider_down"] + ["row"] * 5
    assert all({"at", "class", "message"} == set(error) for error in dead["errors"])
    outcomes = queue.one("SELECT array_agg(outcome ORDER BY id) FROM jikan_sync.queue_history")
    assert outcomes == ["failed"] * 5 + ["dead"]

    assert queue.one("SELECT jikan_sync.redrive(task => 'reviews')") == 0
    assert queue.one("SELECT jikan_sync.redrive(ids => %s)", [task_id]) == 1
    assert queue.one("SELECT count(*) FROM jikan_sync.dead_letter") == 0
    [task] = queue.claim()
    assert (task["mal_id"], task["priority"], task["attempts"]) == (7, "high", 0)
    assert len(queue.live(task["id"])["errors"]) == 6, "its history stays"


def test_second_death_replaces_the_first(queue: Queue) -> None:
    queue.connection.execute("UPDATE jikan_sync.retry_policy SET max_attempts = 1")
    for _ in range(2):
        queue.add("anime", 7)
        queue.fail(queue.claim()[0])
    assert queue.one("SELECT count(*) FROM jikan_sync.dead_letter") == 1


def test_redrive_meets_a_live_task(queue: Queue) -> None:
    queue.connection.execute("UPDATE jikan_sync.retry_policy SET max_attempts = 1")
    queue.add("anime", 7, priority="high")
    queue.fail(queue.claim()[0])
    task_id = queue.add("anime", 7, ready_at="infinity")
    queue.one("SELECT jikan_sync.redrive()")
    live = queue.live(task_id)
    assert live["priority"] == "high"
    assert live["ready_at"] == NOW


def test_unknown_class_is_refused(queue: Queue) -> None:
    queue.add("anime", 7)
    [task] = queue.claim()
    with pytest.raises(psycopg.errors.InvalidParameterValue) as refused:
        queue.fail(task, "weather")
    assert refused.value.diag.message_hint
    assert queue.complete(task) is True


def test_history_keeps_what_was_done(queue: Queue) -> None:
    queue.add("search", payload={"query_key": "naruto"})
    [task] = queue.claim(worker="me")
    queue.complete(task)
    [done] = queue.rows("SELECT * FROM jikan_sync.queue_history")
    assert (done["task_id"], done["outcome"], done["worker"]) == (task["id"], "done", "me")
    assert done["payload"] == {"query_key": "naruto"}
    assert done["processed_at"] == NOW


def test_old_history_goes(queue: Queue) -> None:
    queue.add("anime", 1)
    queue.complete(queue.claim()[0])
    for step, left in (("7 days", 1), ("1 second", 0)):
        queue.connection.execute("SELECT jikan_sync.clock_advance(%s::interval)", [step])
        queue.one("SELECT jikan_sync.purge_history()")
        assert queue.one("SELECT count(*) FROM jikan_sync.queue_history") == left
