-- Verify pgjikan:functions/store/store_reviews on pg

BEGIN;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.write_review(bigint, jsonb, integer)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.store_reviews(integer, jsonb, timestamptz)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.store_reviews(integer, jsonb, timestamptz)', 'execute'
    );
END;
$$;

ROLLBACK;
