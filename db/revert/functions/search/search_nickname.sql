-- Revert pgjikan:functions/search/search_nickname from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.search_nickname(jikan_sync.search_query);

COMMIT;
