-- Revert pgjikan:functions/recommend/popular_titles from pg

BEGIN;

DROP FUNCTION jikan_sync.popular_titles(jikan_sync.face_filter, integer[], integer);

COMMIT;
