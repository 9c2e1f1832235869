-- Revert pgjikan:functions/request_search from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.request_search(text);
DROP FUNCTION jikan_sync.is_being_asked(text);
DROP FUNCTION jikan_sync.search_lock_key(text);
DROP FUNCTION jikan_sync.is_searchable(text);

COMMIT;
