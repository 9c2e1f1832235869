-- Revert pgjikan:functions/search/search from pg

BEGIN;

DROP FUNCTION anime.search(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
);
DROP FUNCTION anime.search_cached(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
);
DROP FUNCTION jikan_sync.search_results(text, jikan_sync.search_hit[]);
DROP TYPE anime.search_result;

COMMIT;
