-- Verify pgjikan:schema/queue on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    id,
    task,
    lane,
    anime_id,
    mal_id,
    payload,
    priority,
    dedupe_key,
    created_at,
    ready_at,
    attempts,
    failures,
    errors,
    is_dirty,
    next_payload,
    leased_by,
    lease_token,
    lease_expires_at
FROM jikan_sync.queue
WHERE FALSE;

SELECT
    task_id,
    processed_at,
    outcome
FROM jikan_sync.queue_history
WHERE FALSE;

SELECT
    dedupe_key,
    reason,
    errors
FROM jikan_sync.dead_letter
WHERE FALSE;

DO $$
BEGIN
    ASSERT jikan_sync.task_key('anime', 5, NULL, '{}') = 'anime:5';
    ASSERT jikan_sync.task_key('facet', 5, NULL, '{"facet": "news"}') = 'news:5';
    ASSERT jikan_sync.task_key('season', NULL, NULL, '{"season": "now"}') = 'season:now';
    ASSERT NOT has_table_privilege('jikan_sidecar', 'jikan_sync.queue', 'select');
END;
$$;

ROLLBACK;
