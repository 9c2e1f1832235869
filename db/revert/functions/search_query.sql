-- Revert pgjikan:functions/search_query from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.parse_query(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
);
DROP TYPE jikan_sync.search_query;

COMMIT;
