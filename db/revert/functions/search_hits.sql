-- Revert pgjikan:functions/search_hits from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.search_hits(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
);
DROP FUNCTION jikan_sync.check_search(integer, integer, integer, double precision);

COMMIT;
