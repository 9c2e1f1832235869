"""A database with nothing wrong: one title, its vector, a sidecar that was just seen."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from pgjikan import meters


@pytest.fixture
def healthy(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    connection.execute(
        """
        INSERT INTO jikan.anime (mal_id, titles, title, core_hash, last_jikan_sync)
        VALUES (1, '[]', 'Cowboy Bebop', 0, jikan_sync.clock_now());
        DELETE FROM jikan_sync.queue;
        INSERT INTO jikan.embedding (model_id, anime_id, input_hash, embedding)
        SELECT
            m.id,
            a.id,
            a.embedding_hash,
            ('[1' || repeat(',0', m.dimensions - 1) || ']')::halfvec
        FROM jikan.anime AS a
        CROSS JOIN jikan.embedding_model AS m;
        UPDATE jikan.anime SET sync_status = 'fresh';
        SELECT jikan_sync.heartbeat('host:1:test', '{jikan,embedding}', '0')
        """
    )
    return connection


@pytest.fixture
def busy(healthy: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """A database in which everything that can be counted has happened once."""
    healthy.execute(
        """
        SELECT jikan_sync.enqueue('anime', 7, priority => 'high');
        SELECT jikan_sync.enqueue('anime', 8);
        SELECT jikan_sync.report_request('tenrai', 'ok', 'anime', 'anime:7', 200,
            elapsed_ms => 250, bytes => 1000);
        SELECT jikan_sync.run_job('mark_stale');
        INSERT INTO jikan_sync.queue_history (task_id, task, payload, priority, created_at,
            processed_at, outcome)
        VALUES (1, 'anime', '{}', 'low', now(), now(), 'done');
        SELECT jikan_sync.learn_search('kemonozume', '{}');
        """
    )
    meters.REQUEST_SECONDS.labels("tenrai", "ok").observe(0.25)
    meters.TASKS.labels("jikan", "anime", "done").inc()
    meters.EMBEDDING_SECONDS.labels("m", "ok").observe(0.25)
    meters.EMBEDDING_TOKENS.labels("m").inc(5)
    return healthy
