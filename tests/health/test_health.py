"""`anime.health`: ok when all is well, and the right sentence for each thing that is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

Connection = psycopg.Connection[Any]


def health(connection: Connection) -> dict[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("SELECT h.* FROM anime.health AS h").fetchone()
    assert row is not None
    return row


def test_all_is_well(healthy: Connection) -> None:
    found = health(healthy)
    assert (found["state"], found["reasons"]) == ("ok", [])
    assert (found["anime_count"], found["fresh_count"], found["pending_count"]) == (1, 1, 0)
    assert found["embedding_coverage"] == 1
    assert found["sidecar_count"] == 1


def test_titles_gone_upstream_count_as_neither_stale_nor_fresh(healthy: Connection) -> None:
    healthy.execute(
        "INSERT INTO jikan.anime (mal_id, titles, title, core_hash, last_jikan_sync, missing_count,"
        " first_missing_at, last_missing_at, removed_at) SELECT n, '[]', 'Gone ' || n, 0,"
        " jikan_sync.ago('40 days'), 3, now(), now(), now() FROM generate_series(2, 4) AS n"
    )
    healthy.execute("SELECT jikan_sync.forget_answer('core', n) FROM generate_series(2, 4) AS n")
    healthy.execute("DELETE FROM jikan_sync.queue")
    found = health(healthy)
    assert (found["anime_count"], found["fresh_count"], found["stale_count"]) == (1, 1, 0)
    assert (found["state"], found["reasons"]) == ("ok", [])


def test_an_empty_mirror_is_down(connection: Connection) -> None:
    found = health(connection)
    assert found["state"] == "down"
    assert "no anime is stored" in found["reasons"]


BREAKAGES = {
    "no sidecar was ever seen": "DELETE FROM jikan_sync.worker",
    "no sidecar was seen since": "UPDATE jikan_sync.worker SET seen_at = now() - interval '1 hour'",
    "no sidecar works lane embedding": "UPDATE jikan_sync.worker SET lanes = '{jikan}'",
    "no sidecar works lane jikan": "UPDATE jikan_sync.worker SET lanes = '{embedding}'",
    "no upstream is available: none is enabled": "UPDATE jikan_sync.provider SET enabled = false",
    "no upstream is available: tenrai last failed with upstream_error 503, is asked again at": """
        UPDATE jikan_sync.provider SET enabled = name = 'tenrai';
        SELECT jikan_sync.report_request('tenrai', 'upstream_error', 'anime', 'anime:' || n, 503)
        FROM generate_series(1, 6) AS n
    """,
    "embeddings are not available": """
        UPDATE jikan_sync.embedding_provider
        SET blocked_until = now() + interval '1 hour', blocked_reason = 'unauthorised'
    """,
    "what a user waits for has waited 00:10:00": """
        SELECT jikan_sync.enqueue('anime', 5, priority => 'high',
            ready_at => jikan_sync.clock_now() - interval '10 minutes')
    """,
    "1 titles are not recommendable yet": "DELETE FROM jikan.embedding",
    "jobs fail: mark_stale": """
        UPDATE jikan_sync.job SET command = 'SELECT 1 / 0' WHERE name = 'mark_stale';
        SELECT jikan_sync.run_job('mark_stale')
    """,
    "the clock is frozen": "SELECT jikan_sync.clock_set(jikan_sync.clock_now())",
}


@pytest.mark.parametrize("reason", BREAKAGES)
def test_what_is_broken_degrades(reason: str, healthy: Connection) -> None:
    healthy.execute(BREAKAGES[reason])
    found = health(healthy)
    assert found["state"] == "degraded"
    [said] = found["reasons"]
    assert said.startswith(reason)


def test_what_is_old_is_stale_and_no_fault(healthy: Connection) -> None:
    healthy.execute("UPDATE jikan.anime SET last_jikan_sync = now() - interval '31 days'")
    found = health(healthy)
    assert (found["state"], found["fresh_count"], found["stale_count"]) == ("ok", 0, 1)


def test_a_reader_sees_the_row_and_nothing_behind_it(
    healthy: Connection, connect: Callable[..., Connection]
) -> None:
    reader = connect(role="anime_reader")
    assert health(reader)["state"] == "ok"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("SELECT * FROM jikan_sync.worker")


def test_a_sidecar_forgotten_for_a_day_is_forgotten_by_the_next(
    healthy: Connection, connect: Callable[..., Connection]
) -> None:
    healthy.execute("UPDATE jikan_sync.worker SET seen_at = now() - interval '2 days'")
    sidecar = connect(role="jikan_sidecar")
    sidecar.execute("SELECT jikan_sync.heartbeat('other', '{jikan}', '0')")
    sidecar.execute("SELECT jikan_sync.heartbeat('other', '{jikan}', '0')")
    names = healthy.execute("SELECT name FROM jikan_sync.worker").fetchall()
    assert names == [("other",)]
