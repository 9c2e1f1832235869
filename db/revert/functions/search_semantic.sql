-- Revert pgjikan:functions/search_semantic from pg

BEGIN;

DROP FUNCTION anime.search_semantic(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
);

DROP FUNCTION jikan_sync.request_query_vector(text, text);

DROP FUNCTION jikan_sync.query_probes(text);

COMMIT;
