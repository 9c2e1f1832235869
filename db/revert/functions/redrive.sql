-- Revert pgjikan:functions/redrive from pg

BEGIN;

DROP FUNCTION jikan_sync.redrive(bigint[], text);

COMMIT;
