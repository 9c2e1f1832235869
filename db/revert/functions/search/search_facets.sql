-- Revert pgjikan:functions/search/search_facets from pg

BEGIN;

DROP FUNCTION anime.search_facets(
    text, text[], text[], text[], integer, integer, double precision, boolean
);

COMMIT;
