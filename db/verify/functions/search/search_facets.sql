-- Verify pgjikan:functions/search/search_facets on pg

BEGIN;

DO $$
BEGIN
    ASSERT has_function_privilege(
        'anime_reader', 'anime.search_facets(text, text[], text[], text[], integer, integer, double precision, boolean)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'anime.search_facets(text, text[], text[], text[], integer, integer, double precision, boolean)', 'execute'
    );
END;
$$;

ROLLBACK;
