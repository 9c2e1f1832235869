-- Verify pgjikan:functions/recommend/recommend on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'anime.recommend(integer[], integer[], integer, text[], text[], text[], integer, integer, double precision, boolean, boolean)',
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
