-- Verify pgjikan:functions/store/store_pictures on pg

BEGIN;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.store_pictures(integer, jsonb, timestamptz)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.store_pictures(integer, jsonb, timestamptz)', 'execute'
    );
END;
$$;

ROLLBACK;
