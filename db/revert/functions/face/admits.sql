-- Revert pgjikan:functions/face/admits from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.admits(jikan_sync.face_filter, jikan_sync.findable);
DROP FUNCTION jikan_sync.make_filter(
    text[], text[], text[], integer, integer, double precision, boolean, boolean
);
DROP TYPE jikan_sync.face_filter;

COMMIT;
