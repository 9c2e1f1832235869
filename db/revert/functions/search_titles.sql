-- Revert pgjikan:functions/search_titles from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.search_titles(jikan_sync.search_query);
DROP TYPE jikan_sync.search_hit;

COMMIT;
