-- Revert pgjikan:functions/search/search_lookup from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.find_anime(text, integer);
DROP FUNCTION jikan_sync.find_word(text, text, integer);
DROP FUNCTION jikan_sync.find_key(text, text, integer);

COMMIT;
