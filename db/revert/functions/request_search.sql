-- Revert pgjikan:functions/request_search from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.purge_search_requests();
DROP FUNCTION jikan_sync.learned_mal_ids(text);
DROP FUNCTION jikan_sync.search_failed(text);
DROP FUNCTION jikan_sync.learn_search(text, integer[]);
DROP FUNCTION jikan_sync.request_search(text);
DROP FUNCTION jikan_sync.enter_search();
DROP FUNCTION jikan_sync.search_priority();
DROP FUNCTION jikan_sync.search_allowance();
DROP FUNCTION jikan_sync.is_being_asked(text);
DROP FUNCTION jikan_sync.search_lock_key(text);
DROP FUNCTION jikan_sync.is_searchable(text);

COMMIT;
