"""One live task per thing to do, and no flood."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from .conftest import Queue

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def test_same_thing_is_one_task(queue: Queue) -> None:
    queue.mirror(5)
    assert queue.add("anime", 5) == queue.add("anime", 5)
    keys = {
        "anime:5": queue.add("anime", 5),
        "images:5": queue.add("facet", 5, payload={"facet": "images"}),
        "reviews:5": queue.add("facet", 5, payload={"facet": "reviews"}),
        "search:frieren": queue.add("search", payload={"query_key": "frieren", "query": "Frieren"}),
        "embed_query:frieren": queue.add("embed_query", payload={"query_key": "frieren"}),
        "season:2026:fall": queue.add("season", payload={"year": 2026, "season": "fall"}),
        "season:now": queue.add("season", payload={"season": "now", "page": 1}),
        "catalogue": queue.add("catalogue", payload={"page": 3}),
    }
    rows = queue.rows("SELECT id, dedupe_key FROM jikan_sync.queue")
    assert {row["dedupe_key"]: row["id"] for row in rows} == keys
    queue.add("embed", 5)
    anime_id = queue.one("SELECT id FROM jikan.anime")
    assert queue.one("SELECT dedupe_key FROM jikan_sync.queue WHERE task = 'embed'") == (
        f"embed:{anime_id}"
    )


def test_second_request_only_raises(queue: Queue) -> None:
    later = "2030-01-01 13:00:00Z"
    task = queue.add("anime", 5, ready_at=later)
    assert queue.live(task)["priority"] == "low"
    queue.add("anime", 5, priority="high")
    raised = queue.live(task)
    assert (raised["priority"], raised["ready_at"]) == ("high", NOW)
    queue.add("anime", 5, priority="low", ready_at=later)
    assert queue.live(task) == raised


def test_wait_of_a_raised_task_counts_from_the_raise(queue: Queue) -> None:
    task = queue.add("anime", 5)
    asked_at = queue.live(task)["ready_at"]
    queue.connection.execute("SELECT jikan_sync.clock_advance('5 minutes')")
    queue.add("anime", 5, priority="high")
    assert (queue.live(task)["ready_at"] - asked_at).total_seconds() == 300
    queue.connection.execute("SELECT jikan_sync.enqueue_many('anime', '{6}')")
    queue.connection.execute("SELECT jikan_sync.clock_advance('5 minutes')")
    queue.connection.execute("SELECT jikan_sync.enqueue_many('anime', '{6}', 'high')")
    bulk = queue.one("SELECT ready_at FROM jikan_sync.queue WHERE mal_id = 6")
    assert (bulk - asked_at).total_seconds() == 600


def test_known_request_writes_nothing(queue: Queue) -> None:
    task = queue.add("anime", 5)
    before = queue.one("SELECT xmin::text FROM jikan_sync.queue WHERE id = %s", task)
    queue.add("anime", 5)
    queue.connection.execute("SELECT jikan_sync.enqueue_many('anime', '{5}')")
    assert queue.one("SELECT xmin::text FROM jikan_sync.queue WHERE id = %s", task) == before


def test_backing_off_task_keeps_its_wait(queue: Queue) -> None:
    queue.add("anime", 5)
    [task] = queue.claim()
    queue.fail(task, "provider_down")
    wait = queue.live(task["id"])["ready_at"]
    queue.add("anime", 5, priority="high")
    queue.connection.execute("SELECT jikan_sync.enqueue_many('anime', '{5}', 'high')")
    live = queue.live(task["id"])
    assert (live["ready_at"], live["priority"]) == (wait, "high")


def test_change_while_leased_is_done_again(queue: Queue) -> None:
    queue.mirror(5)
    queue.add("embed", 5)
    [task] = queue.claim(lane="embedding")
    queue.add("embed", 5)
    assert queue.claim(lane="embedding") == []
    assert queue.complete(task) is True
    [again] = queue.claim(lane="embedding")
    assert (again["id"], again["attempts"]) == (task["id"], 0)
    assert queue.complete(again) is True
    assert queue.one("SELECT count(*) FROM jikan_sync.queue") == 0
    assert queue.one("SELECT count(*) FROM jikan_sync.queue_history WHERE outcome = 'done'") == 2


def test_change_while_leased_outlives_the_failure(queue: Queue) -> None:
    queue.connection.execute("UPDATE jikan_sync.retry_policy SET max_attempts = 1")
    queue.add("anime", 5)
    [task] = queue.claim()
    queue.add("anime", 5)
    assert queue.fail(task) == "retry"
    live = queue.live(task["id"])
    assert (live["attempts"], live["failures"], live["is_dirty"]) == (0, 0, False)


def page(number: int) -> dict[str, Any]:
    return {"season": "now", "page": number}


END = {
    "done": lambda queue, task: queue.complete(task),
    "failed": lambda queue, task: queue.fail(task),
    "released": lambda queue, task: queue.one(
        "SELECT jikan_sync.release(%s, %s)", task["id"], task["lease_token"]
    ),
    "all released": lambda queue, task: queue.one("SELECT jikan_sync.release_worker('w')"),
}


@pytest.mark.parametrize("end", END)
def test_change_while_leased_is_for_the_next_try(queue: Queue, end: str) -> None:
    queue.add("season", payload=page(1))
    [task] = queue.claim()
    queue.add("season", payload=page(2))
    assert queue.live(task["id"])["payload"] == page(1), "what is being done"
    END[end](queue, task)
    assert queue.live(task["id"])["payload"] == page(2)
    tried = queue.rows("SELECT outcome, payload FROM jikan_sync.queue_history")
    assert tried == ([{"outcome": end, "payload": page(1)}] if "released" not in end else [])
    queue.connection.execute("SELECT jikan_sync.clock_advance('1 hour')")
    [task] = queue.claim()
    assert task["payload"] == page(2)
    assert queue.complete(task)
    last = "SELECT payload FROM jikan_sync.queue_history ORDER BY id DESC LIMIT 1"
    assert queue.one(last) == page(2)


def test_bulk(queue: Queue) -> None:
    queue.mirror(1, 2, 3)
    many = "SELECT jikan_sync.enqueue_many(%s, %s::int[], %s)"
    assert queue.one(many, "anime", [3, 1, 2, 2, None, 77], "low") == 4
    assert queue.one(many, "anime", [1, 2], "low") == 0
    assert queue.one(many, "anime", [1, 2], "high") == 2
    assert queue.one(many, "embed", [1, 77], "low") == 1, "77 is not mirrored"
    assert queue.one(many, "anime", None, "low") == 0
    linked = queue.one(
        "SELECT array_agg(a.mal_id ORDER BY a.mal_id) FROM jikan_sync.queue AS q"
        " JOIN jikan.anime AS a ON a.id = q.anime_id WHERE q.task = 'anime'"
    )
    assert linked == [1, 2, 3]


def test_tasks_go_with_their_anime(queue: Queue) -> None:
    queue.mirror(5)
    queue.add("anime", 5)
    queue.connection.execute("DELETE FROM jikan.anime WHERE mal_id = 5")
    assert queue.one("SELECT count(*) FROM jikan_sync.queue") == 0


WRONG: list[tuple[str, int | None, dict[str, Any]]] = [
    ("fetch", 5, {}),
    ("anime", None, {}),
    ("embed", 5, {}),
    ("search", None, {"payload": {"query": "no key"}}),
    ("season", None, {"payload": {"year": 2026}}),
    ("anime", 5, {"priority": "urgent"}),
    ("anime", 5, {"priority": None}),
]


def test_wrong_tasks_are_refused(queue: Queue) -> None:
    for task, mal_id, arguments in WRONG:
        with pytest.raises(psycopg.errors.InvalidParameterValue) as refused:
            queue.add(task, mal_id, **arguments)
        assert refused.value.diag.message_hint, (task, mal_id, arguments)


def test_junk_searches_are_capped(queue: Queue) -> None:
    queue.connection.execute(
        "UPDATE jikan_sync.setting SET value = CASE name WHEN 'max_live_searches' THEN '6'"
        " ELSE '4' END WHERE name IN ('max_live_searches', 'max_high_searches')"
    )
    tasks = [
        queue.add("search", payload={"query_key": f"junk {n}"}, priority="high") for n in range(9)
    ]
    assert [task is None for task in tasks] == [False] * 6 + [True] * 3
    assert queue.one("SELECT count(*) FROM jikan_sync.queue WHERE priority = 'high'") == 4
    assert queue.add("search", payload={"query_key": "junk 0"}, priority="high") == tasks[0]
    assert queue.add("anime", 5, priority="high") is not None, "others are not held up"
    [first, *_] = queue.claim()
    queue.complete(first)
    assert queue.add("search", payload={"query_key": "new"}) is not None


def test_unknown_ids_are_capped(queue: Queue) -> None:
    queue.mirror(1)
    queue.connection.execute(
        "UPDATE jikan_sync.setting SET value = '3' WHERE name = 'max_unknown_anime'"
    )
    tasks = [queue.add("anime", 1000 + n, priority="high") for n in range(5)]
    assert [task is None for task in tasks] == [False] * 3 + [True] * 2
    assert queue.add("anime", 1, priority="high") is not None


def test_two_bulk_calls_do_not_deadlock(
    queue: Queue, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    connect_a, connect_b = connect(autocommit=False), connect()
    connect_a.execute("SELECT jikan_sync.enqueue_many('anime', '{1, 2, 3}')")
    connect_b.execute("SET lock_timeout = '50ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        connect_b.execute("SELECT jikan_sync.enqueue_many('anime', '{4, 3, 2, 1}')")
    connect_a.commit()
    row = connect_b.execute("SELECT jikan_sync.enqueue_many('anime', '{4, 3, 2, 1}')").fetchone()
    assert row == (1,)
