-- Verify pgjikan:functions/store/store_recommendations on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.recommendation_fault(jsonb, integer)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.recommendation_fault(jsonb, integer)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.store_recommendations(integer, jsonb, timestamptz)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.store_recommendations(integer, jsonb, timestamptz)',
        'execute'
    );
END;
$$;

ROLLBACK;
