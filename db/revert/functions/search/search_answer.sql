-- Revert pgjikan:functions/search/search_answer from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.purge_search_requests();
DROP FUNCTION jikan_sync.learned_mal_ids(text);
DROP FUNCTION jikan_sync.search_failed(text);
DROP FUNCTION jikan_sync.learn_search(text, integer[]);

COMMIT;
