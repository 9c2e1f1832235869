"""A database with nothing wrong: one title, its vector, a sidecar that was just seen."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest


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
