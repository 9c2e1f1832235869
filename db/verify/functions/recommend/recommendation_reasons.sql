-- Verify pgjikan:functions/recommend/recommendation_reasons on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.recommendation_reasons(bigint[], boolean[], bigint[], integer[])',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.recommendation_reasons(bigint[], boolean[], bigint[], integer[])',
        'execute'
    );
END;
$$;

ROLLBACK;
