-- Revert pgjikan:functions/search/request_search from pg

BEGIN;

DROP FUNCTION jikan_sync.request_search(text);

COMMIT;
