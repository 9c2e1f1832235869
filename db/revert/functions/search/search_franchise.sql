-- Revert pgjikan:functions/search/search_franchise from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.search_franchise(jikan_sync.search_query, jikan_sync.search_hit[]);

COMMIT;
