-- Revert pgjikan:functions/search/search_ranked from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.search_ranked(text, integer, jikan_sync.face_filter);

COMMIT;
