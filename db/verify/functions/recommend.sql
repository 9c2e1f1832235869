-- Verify pgjikan:functions/recommend on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.taste_mean(bigint[])',
        'execute'
    );
    ASSERT has_function_privilege(
        'anime_reader',
        'anime.recommend(integer[], integer[], integer, text[], text[], text[], integer, integer, double precision, boolean, boolean)',
        'execute'
    );
END;
$$;

ROLLBACK;
