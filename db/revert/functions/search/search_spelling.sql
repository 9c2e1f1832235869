-- Revert pgjikan:functions/search/search_spelling from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.search_spelling(jikan_sync.search_query, text[], integer);
DROP FUNCTION jikan_sync.find_reading(text, text[]);

COMMIT;
