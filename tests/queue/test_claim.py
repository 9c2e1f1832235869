"""Who gets what, in which order, and for how long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from .conftest import Queue

Clock = Callable[[str], None]


def test_high_before_low_then_oldest_first(queue: Queue) -> None:
    queue.connection.execute("UPDATE jikan_sync.setting SET value = 0 WHERE name = 'low_share'")
    queue.add("anime", 1)
    queue.add("anime", 2, priority="high")
    queue.add("anime", 3, priority="high", ready_at="2030-01-01 11:59:00Z")
    queue.add("anime", 4, ready_at="2030-01-01 11:59:00Z")
    assert [queue.claim()[0]["mal_id"] for _ in range(4)] == [3, 2, 4, 1]
    assert queue.claim() == []


def test_batches_never_exceed_what_was_asked(queue: Queue) -> None:
    queue.connection.execute(
        "SELECT jikan_sync.enqueue_many('anime', array(SELECT generate_series(1, 50)))"
    )
    for mal_id in range(60, 90):
        queue.add("anime", mal_id, priority="high")
    sizes = [len(queue.claim(7)) for _ in range(13)]
    assert sizes == [7] * 11 + [3, 0]


def test_lanes_are_apart(queue: Queue) -> None:
    queue.mirror(1)
    queue.add("anime", 1)
    queue.add("embed", 1)
    assert [task["task"] for task in queue.claim(5, lane="embedding")] == ["embed"]
    assert [task["task"] for task in queue.claim(5)] == ["anime"]


@pytest.mark.parametrize(("moment", "ready"), [("11:59:59", 0), ("12:00:00", 1), ("12:00:01", 1)])
def test_not_before_it_is_ready(queue: Queue, set_clock: Clock, moment: str, ready: int) -> None:
    queue.add("anime", 1, ready_at="2030-01-01 12:00:00Z")
    queue.add("anime", 2, ready_at="infinity")
    set_clock(f"2030-01-01 {moment}Z")
    assert len(queue.claim(5)) == ready


@pytest.mark.parametrize("batch", [1, 4, 10])
def test_low_keeps_its_share_while_high_never_ends(queue: Queue, batch: int) -> None:
    queue.connection.execute(
        "SELECT jikan_sync.enqueue_many('anime', array(SELECT generate_series(1, 400)), 'high'),"
        " jikan_sync.enqueue_many('anime', array(SELECT generate_series(1001, 1400)))"
    )
    got = Counter(task["priority"] for _ in range(200 // batch) for task in queue.claim(batch))
    assert got == {"high": 160, "low": 40}


def test_share_is_a_setting(queue: Queue) -> None:
    queue.connection.execute("UPDATE jikan_sync.setting SET value = 1 WHERE name = 'low_share'")
    queue.connection.execute(
        "SELECT jikan_sync.enqueue_many('anime', '{1, 2, 3}', 'high'),"
        " jikan_sync.enqueue_many('anime', '{4, 5}')"
    )
    assert [queue.claim()[0]["priority"] for _ in range(4)] == ["low", "low", "high", "high"]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [("12:59:59", {"high": 16, "low": 4}), ("13:00:00", {"high": 10, "low": 10})],
)
def test_low_that_waited_an_hour_takes_turns(
    queue: Queue, set_clock: Clock, moment: str, expected: dict[str, int]
) -> None:
    queue.connection.execute(
        "SELECT jikan_sync.enqueue_many('anime', array(SELECT generate_series(1, 40)))"
    )
    set_clock(f"2030-01-01 {moment}Z")
    queue.connection.execute(
        "SELECT jikan_sync.enqueue_many('anime', array(SELECT generate_series(101, 140)), 'high')"
    )
    assert Counter(queue.claim()[0]["priority"] for _ in range(20)) == expected


def test_lease_keeps_others_out_until_it_expires(queue: Queue, set_clock: Clock) -> None:
    queue.add("anime", 1)
    [task] = queue.claim(worker="a")
    sweep = "SELECT jikan_sync.sweep_leases()"
    set_clock("2030-01-01 12:05:00Z")
    assert (queue.claim(), queue.one(sweep)) == ([], 0)
    set_clock("2030-01-01 12:05:01Z")
    assert (queue.one(sweep), queue.one(sweep)) == (1, 0)
    live = queue.live(task["id"])
    assert (live["attempts"], live["errors"][0]["class"]) == (1, "lease_expired")
    set_clock("2030-01-01 12:10:00Z")
    [again] = queue.claim(worker="b")
    assert queue.complete(task) is False, "a finished too late"
    assert queue.one(
        "SELECT jikan_sync.fail(%s, %s, 'row', '')", task["id"], task["lease_token"]
    ) == ("lost")
    assert queue.one("SELECT jikan_sync.release(%s, %s)", task["id"], task["lease_token"]) is False
    assert queue.complete(again) is True


def test_document_that_kills_its_workers_comes_to_an_end(queue: Queue) -> None:
    queue.add("anime", 1)
    for _ in range(5):
        queue.connection.execute("SELECT jikan_sync.clock_advance('2 hours')")
        assert len(queue.claim()) == 1
        queue.connection.execute("SELECT jikan_sync.clock_advance('2 hours')")
        queue.connection.execute("SELECT jikan_sync.sweep_leases()")
    assert queue.rows("SELECT reason, attempts FROM jikan_sync.dead_letter") == [
        {"reason": "lease_expired", "attempts": 5}
    ]


def test_release_gives_back_untouched(queue: Queue) -> None:
    queue.add("anime", 1)
    queue.add("anime", 2)
    before = queue.rows("SELECT id, ready_at, attempts, failures FROM jikan_sync.queue")
    [task] = queue.claim(worker="a")
    assert queue.one("SELECT jikan_sync.release(%s, %s)", task["id"], task["lease_token"]) is True
    queue.claim(2, worker="a")
    assert queue.one("SELECT jikan_sync.release_worker('a')") == 2
    after = queue.rows("SELECT id, ready_at, attempts, failures FROM jikan_sync.queue")
    assert sorted(after, key=lambda row: row["id"]) == before
    assert [task["mal_id"] for task in queue.claim(2)] == [1, 2]


def test_nothing_is_claimed_while_upstreams_are_down(queue: Queue) -> None:
    queue.add("anime", 1, priority="high")
    queue.connection.execute("UPDATE jikan_sync.provider SET enabled = false")
    assert queue.claim() == []
    assert queue.live(queue.add("anime", 1))["failures"] == 0
    queue.connection.execute("UPDATE jikan_sync.provider SET enabled = true")
    assert len(queue.claim()) == 1


def test_wrong_claims_are_refused(queue: Queue) -> None:
    for arguments in (
        "'w', 'lane', 1",
        "'w', NULL, 1",
        "NULL, 'jikan', 1",
        "'w', 'jikan', 0",
        "'w', 'jikan', NULL",
    ):
        with pytest.raises(psycopg.errors.InvalidParameterValue) as refused:
            queue.connection.execute(f"SELECT jikan_sync.claim({arguments})")
        assert refused.value.diag.message_hint, arguments


def test_sidecar_may_do_its_part_and_no_more(
    queue: Queue, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    queue.add("anime", 1)
    sidecar = Queue(connect(role="jikan_sidecar"))
    [task] = sidecar.claim()
    assert sidecar.fail(task) == "retry"
    assert sidecar.one("SELECT jikan_sync.release_worker('w')") == 0
    for forbidden in (
        "SELECT jikan_sync.enqueue('anime', 1)",
        "SELECT jikan_sync.redrive()",
        "SELECT jikan_sync.run_job('mark_stale')",
        "SELECT count(*) FROM jikan_sync.queue",
        "DELETE FROM jikan_sync.queue",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            sidecar.one(forbidden)


def test_dead_entries_at_the_head_are_passed_by(
    queue: Queue, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    queue.connection.execute(
        "SELECT jikan_sync.enqueue_many('anime', array(SELECT generate_series(1, 9000)))"
    )
    holder = connect(autocommit=False)
    holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    holder.execute("SELECT FROM jikan_sync.setting")
    for _ in range(8):
        tasks = queue.claim(1000)
        queue.one(
            "SELECT jikan_sync.complete_many(%s, %s)",
            [task["id"] for task in tasks],
            [task["lease_token"] for task in tasks],
        )
    queue.one("SELECT pg_stat_force_next_flush()")
    queue.one("SELECT set_config('pgjikan.queue_heads_jikan', '', false)")
    read = "SELECT pg_stat_get_xact_tuples_returned('jikan_sync.queue_claim_idx'::regclass)"
    with queue.connection.transaction():
        queue.claim()
        walked = queue.one(read)
        queue.claim()
        assert walked > 8000
        assert queue.one(read) < walked + 100, "the second claim began where the first one ended"


def test_what_comes_in_behind_the_head_is_found(queue: Queue) -> None:
    queue.connection.execute(
        "SELECT jikan_sync.enqueue_many('anime', array(SELECT generate_series(1, 4)))"
    )
    [first, second] = queue.claim(2)
    queue.one("SELECT jikan_sync.remember_heads('jikan', '10 seconds')")
    queue.one("SELECT jikan_sync.release(%s, %s)", first["id"], first["lease_token"])
    assert [task["mal_id"] for task in queue.claim()] == [3], "it begins where the walk ended"
    assert sorted(task["mal_id"] for task in queue.claim(2)) == [1, 4], "no claim goes short"
    queue.one("SELECT jikan_sync.release(%s, %s)", second["id"], second["lease_token"])
    assert [task["mal_id"] for task in queue.claim()] == [2]
    queue.one("SELECT jikan_sync.remember_heads('jikan', '0 seconds')")
    queue.connection.execute("SELECT jikan_sync.enqueue('anime', 9, ready_at => '2029-01-01Z')")
    queue.add("anime", 8)
    assert [task["mal_id"] for task in queue.claim()] == [9], "a memory ends"
