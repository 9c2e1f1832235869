-- Revert pgjikan:functions/search/search_status from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION anime.search_status(text);

COMMIT;
