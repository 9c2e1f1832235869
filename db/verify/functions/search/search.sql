-- Verify pgjikan:functions/search/search on pg

BEGIN;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'anime.search_cached(text, integer, text[], text[], text[], integer, integer, double precision, boolean)', 'execute'
    );
    ASSERT has_function_privilege(
        'anime_reader', 'anime.search_cached(text, integer, text[], text[], text[], integer, integer, double precision, boolean)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'anime.search(text, integer, text[], text[], text[], integer, integer, double precision, boolean)', 'execute'
    );
    ASSERT has_function_privilege(
        'anime_reader', 'anime.search(text, integer, text[], text[], text[], integer, integer, double precision, boolean)', 'execute'
    );
END;
$$;

ROLLBACK;
