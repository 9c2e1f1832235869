-- Revert pgjikan:functions/upstream/mirror_id from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.mirror_id();

COMMIT;
