-- Verify pgjikan:functions/search/search_semantic on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.query_probe(text)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.request_query_vector(text, text)',
        'execute'
    );
    ASSERT has_function_privilege(
        'anime_reader',
        'anime.search_semantic(text, integer, text[], text[], text[], integer, integer, double precision, boolean)',
        'execute'
    );
END;
$$;

ROLLBACK;
