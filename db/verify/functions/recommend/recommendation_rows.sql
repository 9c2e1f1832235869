-- Verify pgjikan:functions/recommend/recommendation_rows on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_type_privilege('anime_reader', 'anime.recommendation', 'usage');
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.recommendation_rows(bigint[], real[], real[], text[], text[])',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.recommendation_rows(bigint[], real[], real[], text[], text[])',
        'execute'
    );
END;
$$;

ROLLBACK;
