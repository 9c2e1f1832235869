-- Revert pgjikan:functions/search/search_query from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.parse_query(text, integer, jikan_sync.face_filter);
DROP TYPE jikan_sync.search_query;

COMMIT;
