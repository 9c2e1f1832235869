-- Revert pgjikan:functions/search/search_live from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP PROCEDURE anime.search_live(
    text, jsonb, interval, integer, text[], text[], text[], integer, integer, double precision,
    boolean
);

COMMIT;
