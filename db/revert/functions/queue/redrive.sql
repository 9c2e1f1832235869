-- Revert pgjikan:functions/queue/redrive from pg

BEGIN;

DROP FUNCTION jikan_sync.redrive(bigint[], text);

COMMIT;
