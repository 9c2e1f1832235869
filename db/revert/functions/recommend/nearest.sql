-- Revert pgjikan:functions/recommend/nearest from pg

BEGIN;

DROP FUNCTION jikan_sync.nearest(halfvec, integer, jikan_sync.face_filter);

COMMIT;
