-- Revert pgjikan:functions/search_limit from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.enter_search();
DROP FUNCTION jikan_sync.search_priority();
DROP FUNCTION jikan_sync.search_allowance();

COMMIT;
