-- Verify pgjikan:functions/store/store_anime on pg

BEGIN;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.store_anime(jsonb, text, timestamptz)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.store_anime(jsonb, text, timestamptz)', 'execute'
    );
END;
$$;

ROLLBACK;
