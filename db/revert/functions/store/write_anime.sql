-- Revert pgjikan:functions/store/write_anime from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.write_anime(jsonb[], bigint[], boolean, timestamptz);
DROP FUNCTION jikan_sync.confirmation_step();

DELETE FROM jikan_sync.setting
WHERE name IN ('list_lag');

COMMIT;
