-- Revert pgjikan:schema/queue from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DELETE FROM jikan_sync.setting
WHERE name IN (
    'lease_duration', 'low_share', 'low_ages_after', 'max_live_searches', 'max_high_searches',
    'max_live_query_embeddings', 'max_unknown_anime'
);

DROP TYPE jikan_sync.new_task;
DROP TYPE jikan_sync.claimed_task;
DROP TABLE jikan_sync.dead_letter;
DROP TABLE jikan_sync.queue_history;
DROP TABLE jikan_sync.lease;
DROP TABLE jikan_sync.queue;
DROP FUNCTION jikan_sync.task_key(text, integer, bigint, jsonb);

COMMIT;
