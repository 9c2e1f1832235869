-- Revert pgjikan:functions/v4/get_search from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.v4_get_search(jikan_sync.v4_request);
DROP FUNCTION jikan_sync.v4_search(jikan_sync.v4_request, jikan_sync.v4_filter);
DROP FUNCTION jikan_sync.search_matches(text);

COMMIT;
