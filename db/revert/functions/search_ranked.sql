-- Revert pgjikan:functions/search_ranked from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.search_ranked(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
);

COMMIT;
