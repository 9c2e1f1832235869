-- Revert pgjikan:functions/search from pg

BEGIN;

DROP FUNCTION anime.search(
    text, integer, text[], text[], text[], integer, integer, numeric, boolean
);
DROP FUNCTION anime.search_cached(
    text, integer, text[], text[], text[], integer, integer, numeric, boolean
);
DROP FUNCTION jikan_sync.search_rows(
    text, integer, text[], text[], text[], integer, integer, numeric, boolean
);
DROP FUNCTION jikan_sync.check_search(integer, integer, integer, numeric);
DROP TYPE anime.search_result;

COMMIT;
