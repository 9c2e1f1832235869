-- Verify pgjikan:functions/store/store_recent on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.recent_fault('{"entry": [{"mal_id": 1}, {"mal_id": 2}]}') IS NULL;
    ASSERT jikan_sync.recent_fault('{"entry": [{"mal_id": 1}]}') = 'entry is no pair';
    ASSERT jikan_sync.store_recent('[]') = 0;
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.store_recent(jsonb, timestamptz)', 'execute'
    );
END;
$$;

ROLLBACK;
