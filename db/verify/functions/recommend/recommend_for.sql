-- Verify pgjikan:functions/recommend/recommend_for on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.read_scores(jsonb)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.read_scores(jsonb)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'anime.recommend_for(jsonb, integer, text[], text[], text[], integer, integer, double precision, boolean, boolean)',
        'execute'
    );
    ASSERT has_function_privilege(
        'anime_reader',
        'anime.recommend_for(jsonb, integer, text[], text[], text[], integer, integer, double precision, boolean, boolean)',
        'execute'
    );
END;
$$;

ROLLBACK;
