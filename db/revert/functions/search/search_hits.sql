-- Revert pgjikan:functions/search/search_hits from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.search_hits(text, integer, jikan_sync.face_filter);

COMMIT;
