-- Revert pgjikan:functions/v4/get_anime from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.v4_get_anime(jikan_sync.v4_request);

COMMIT;
