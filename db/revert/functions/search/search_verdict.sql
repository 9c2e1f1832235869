-- Revert pgjikan:functions/search/search_verdict from pg

BEGIN;

DROP FUNCTION jikan_sync.search_verdict(jikan_sync.search_request);
DROP FUNCTION jikan_sync.is_searchable(text);

COMMIT;
