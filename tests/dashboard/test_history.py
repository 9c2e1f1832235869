"""What the page draws over time is what was there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

Rows = Callable[[str], list[Any]]

DEPTH = (
    "SELECT array_agg(task_count ORDER BY at) FROM jikan_sync.queue_depth('5 minutes', '1 minute')"
    " WHERE lane = '{}' AND priority = '{}'"
)


@pytest.fixture
def rows(connection: psycopg.Connection[Any], set_clock: Callable[[str], None]) -> Rows:
    set_clock("2030-01-01 12:00:00Z")
    connection.execute("DELETE FROM jikan_sync.queue")
    return lambda query: connection.execute(query).fetchall()


def work(rows: Rows, lane: str = "jikan", count: int = 1) -> None:
    rows(
        "SELECT jikan_sync.complete(t.id, t.lease_token)"
        f" FROM jikan_sync.claim('w', '{lane}', {count}) AS t"
    )


def test_depth_is_what_waited_in_each_step(rows: Rows) -> None:
    rows("SELECT jikan_sync.enqueue_many('anime', '{1, 2, 3}')")
    rows("SELECT jikan_sync.clock_advance('2 minutes')")
    work(rows, count=2)
    rows("""SELECT jikan_sync.enqueue('facet', 9, '{"facet": "images"}', 'high')""")
    rows("SELECT jikan_sync.clock_advance('2 minutes')")
    assert rows(DEPTH.format("jikan", "low")) == [([0, 3, 3, 3, 1, 1],)]
    assert rows(DEPTH.format("jikan", "high"))[0][0][-1] == 1
    assert rows(DEPTH.format("embedding", "low")) == [([0] * 6,)]


def test_a_burst_shorter_than_a_step_is_seen(rows: Rows) -> None:
    rows("SELECT jikan_sync.clock_advance('30 seconds')")
    rows("SELECT jikan_sync.enqueue_many('anime', '{1, 2, 3, 4}')")
    rows("SELECT jikan_sync.clock_advance('1 second')")
    work(rows, count=4)
    rows("SELECT jikan_sync.clock_advance('2 minutes 29 seconds')")
    assert rows(DEPTH.format("jikan", "low")) == [([0, 0, 0, 4, 0, 0],)]


def test_what_waits_since_before_the_span_is_there_from_its_start(rows: Rows) -> None:
    rows("SELECT jikan_sync.enqueue_many('anime', '{1, 2}')")
    rows("SELECT jikan_sync.clock_advance('1 day')")
    assert rows(DEPTH.format("jikan", "low")) == [([2] * 6,)]


def test_the_last_step_is_the_queue_by_lane_and_priority(rows: Rows) -> None:
    query = """'{"query": "q", "query_key": "q"}'"""
    rows(
        f"SELECT jikan_sync.enqueue('search', payload => {query}, priority => 'high'),"
        f" jikan_sync.enqueue('embed_query', payload => {query}, priority => 'high'),"
        """ jikan_sync.enqueue('season', payload => '{"season": "now"}'),"""
        """ jikan_sync.enqueue('catalogue'), jikan_sync.enqueue('facet', 1, '{"facet": "news"}')"""
    )
    last = rows(
        "SELECT lane, priority, task_count FROM jikan_sync.queue_depth('1 hour', '1 minute') AS d"
        " WHERE at = jikan_sync.clock_now() AND task_count > 0 ORDER BY 1, 2"
    )
    assert last == rows(
        "SELECT lane, priority, count(*) FROM jikan_sync.queue GROUP BY 1, 2 ORDER BY 1, 2"
    )
    # The history has no lane of its own: done tasks must count in the one they were in.
    work(rows, "jikan", 10)
    work(rows, "embedding", 10)
    assert last == rows(
        "SELECT lane, priority, max(task_count) FROM jikan_sync.queue_depth('1 hour', '1 minute')"
        " WHERE task_count > 0 GROUP BY 1, 2 ORDER BY 1, 2"
    )


def test_errors_of_a_day_from_tasks_jobs_and_documents(rows: Rows) -> None:
    rows("SELECT jikan_sync.reject_document('full', 3, 'too old', '{}')")
    rows("SELECT jikan_sync.clock_advance('2 days')")
    rows("SELECT jikan_sync.enqueue('anime', 7)")
    rows("SELECT jikan_sync.fail(id, lease_token, 'row', 'odd')"
         " FROM jikan_sync.claim('w', 'jikan')")  # fmt: skip
    rows("SELECT jikan_sync.reject_document('full', 5, 'no title', '{}')")
    rows("UPDATE jikan_sync.job SET command = 'SELECT 1 / 0' WHERE name = 'mark_stale' RETURNING 1")
    rows("SELECT jikan_sync.run_job('mark_stale')")
    found = rows("SELECT source, subject, class, message FROM jikan_sync.status_error ORDER BY 1")
    assert found[0] == ("document", "full 5", "rejected", "no title")
    assert found[1][:3] == ("job", "mark_stale", "22012")
    assert found[2] == ("task", "anime 7", "row", "odd")
    assert len(found) == 3


def test_requests_by_hour_and_what_one_took(rows: Rows) -> None:
    rows(
        "INSERT INTO jikan_sync.request_stat (hour, provider, task, outcome, request_count,"
        " byte_count, elapsed, last_at)"
        " SELECT now - h * interval '1 hour', 'jikan', t, 'ok', 2, 10, '3 s', now"
        " FROM jikan_sync.clock_now() AS now, generate_series(0, 30) AS h,"
        " unnest('{anime,search}'::text[]) AS t RETURNING 1"
    )
    found = rows("SELECT request_count, mean_elapsed::text FROM jikan_sync.status_request")
    assert found == [(4, "00:00:01.5")] * 24


def test_a_blocked_embedder_says_so(rows: Rows) -> None:
    question = "SELECT name, is_blocked, blocked_reason FROM jikan_sync.status_embedding_provider"
    [(name, is_blocked, reason)] = rows(question)
    assert (is_blocked, reason) == (False, None)
    rows(
        "UPDATE jikan_sync.embedding_provider SET blocked_reason = 'quota', blocked_until ="
        f" jikan_sync.clock_now() + interval '1 hour' WHERE name = '{name}' RETURNING 1"
    )
    assert rows(question) == [(name, True, "quota")]
