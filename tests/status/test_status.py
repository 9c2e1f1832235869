"""The status views count what the rules say, at the moment of the look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

Rows = Callable[[str], list[Any]]


@pytest.fixture
def rows(connection: psycopg.Connection[Any], set_clock: Callable[[str], None]) -> Rows:
    set_clock("2030-01-01 12:00:00Z")
    connection.execute(
        "INSERT INTO jikan.anime (mal_id, titles, title, core_hash, full_hash, status,"
        " last_jikan_sync, full_synced_at)"
        " SELECT n, '[]', 'T', 0, CASE WHEN n % 2 = 0 THEN 0 END,"
        " (ARRAY['Finished Airing', 'Currently Airing', 'Not yet aired', 'Odd', NULL])[n % 5 + 1],"
        " now - n * interval '6 hours', CASE WHEN n % 2 = 0 THEN now - n * interval '1 day' END"
        " FROM generate_series(1, 200) AS n, jikan_sync.clock_now() AS now"
    )
    connection.execute(
        "SELECT jikan_sync.note_stored('images', n, jikan_sync.clock_now() - n * interval '1 day')"
        " FROM generate_series(3, 200, 3) AS n"
    )
    connection.execute(
        "UPDATE jikan.anime SET missing_count = 3, first_missing_at = last_jikan_sync,"
        " last_missing_at = last_jikan_sync, removed_at = last_jikan_sync WHERE mal_id > 190"
    )
    connection.execute("DELETE FROM jikan_sync.queue")
    return lambda query: connection.execute(query).fetchall()


def test_facets_agree_with_the_rule(rows: Rows) -> None:
    slow = rows(
        "SELECT f.facet, count(*) FILTER (WHERE NOT jikan_sync.is_stale(f.facet, a.status, f.at)),"
        " count(f.at) FILTER (WHERE jikan_sync.is_stale(f.facet, a.status, f.at)),"
        " count(*) FILTER (WHERE f.at IS NULL), min(f.at)"
        " FROM jikan.anime AS a, LATERAL (VALUES ('core', last_jikan_sync),"
        " ('themes', full_synced_at), ('relations', full_synced_at), ('links', full_synced_at),"
        " ('images', CASE WHEN mal_id % 3 = 0"
        " THEN jikan_sync.clock_now() - mal_id * interval '1 day' END), ('reviews', NULL))"
        " AS f (facet, at)"
        " WHERE a.removed_at IS NULL GROUP BY f.facet ORDER BY f.facet"
    )
    fast = rows(
        "SELECT facet, fresh_count, stale_count, never_count, oldest_at"
        " FROM jikan_sync.status_facet"
        " WHERE facet IN ('core', 'themes', 'relations', 'links', 'images', 'reviews')"
        " ORDER BY facet"
    )
    assert fast == slow
    [stale] = rows("SELECT count(*) FROM jikan_sync.stale_core()")
    assert stale == (dict((row[0], row[2]) for row in fast)["core"],)


def test_queue_by_state(rows: Rows) -> None:
    rows(
        "SELECT jikan_sync.enqueue_many('anime', '{1, 2, 3}'),"
        " jikan_sync.enqueue_many('facet', '{1}', 'high', payload => '{\"facet\": \"images\"}'),"
        " jikan_sync.enqueue_many('embed', '{1, 2}', 'low', 'infinity')"
    )
    rows("SELECT jikan_sync.clock_advance('10 minutes')")
    rows("SELECT count(*) FROM jikan_sync.claim('w', 'jikan', 2)")
    rows("SELECT jikan_sync.fail(id, lease_token, 'row', '') FROM jikan_sync.queue"
         " WHERE task = 'anime' AND lease_token IS NOT NULL")  # fmt: skip
    found = rows(
        "SELECT task, ready_count, held_count, retrying_count, leased_count, oldest_wait::text"
        " FROM jikan_sync.status_queue ORDER BY task"
    )
    assert found == [
        ("anime", 2, 0, 1, 0, "00:10:00"),
        ("embed", 0, 2, 0, 0, None),
        ("facet", 0, 0, 0, 1, None),
    ]


def test_throughput_and_dead_letters(rows: Rows) -> None:
    rows("UPDATE jikan_sync.retry_policy SET max_attempts = 1 RETURNING 1")
    rows("SELECT jikan_sync.enqueue_many('anime', '{1, 2, 3, 4}')")
    rows("SELECT jikan_sync.fail(id, lease_token, 'row', '')"
         " FROM jikan_sync.claim('w', 'jikan', 1)")  # fmt: skip
    rows("SELECT jikan_sync.complete(id, lease_token) FROM jikan_sync.claim('w', 'jikan', 3)")
    assert rows(
        "SELECT hour, task, done_count, failed_count, dead_count, error_rate::text"
        " FROM jikan_sync.status_throughput"
    ) == [(datetime(2030, 1, 1, 12, tzinfo=UTC), "anime", 3, 1, 1, "0.250")]
    assert rows("SELECT name FROM jikan_sync.status WHERE section = 'dead letters'") == [("anime",)]
    rows("SELECT jikan_sync.clock_advance('24 hours')")
    assert rows("SELECT * FROM jikan_sync.status_throughput") == []


def test_jobs_say_when_and_why(rows: Rows) -> None:
    rows("UPDATE jikan_sync.job SET command = 'SELECT 1 / 0' WHERE name = 'mark_stale' RETURNING 1")
    rows("SELECT jikan_sync.run_job('mark_stale')")
    rows("UPDATE jikan_sync.job SET enabled = false WHERE name = 'sync_season' RETURNING 1")
    jobs = {
        name: state
        for name, *state in rows(
            "SELECT name, last_outcome, last_error, next_due_at FROM jikan_sync.status_job"
        )
    }
    due = datetime(2030, 1, 1, 12, 2, tzinfo=UTC)
    assert jobs["mark_stale"] == ["failed", "division by zero", due]
    assert jobs["sync_season"][2] is None
    [said] = rows("SELECT says FROM jikan_sync.status WHERE name = 'sync_season'")
    assert said == ("disabled",)


def test_every_section_is_there(rows: Rows) -> None:
    sections = rows("SELECT DISTINCT section FROM jikan_sync.status ORDER BY section")
    assert sections == [("embedding",), ("facet",), ("job",)]
    rows("SELECT jikan_sync.enqueue('anime', 1)")
    assert rows("SELECT says FROM jikan_sync.status WHERE section = 'queue'") == [
        ("1 ready, 0 held, 0 retrying, 0 leased",)
    ]
