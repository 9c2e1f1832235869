-- Revert pgjikan:functions/metric from pg

BEGIN;

DROP FUNCTION jikan_sync.metric();

COMMIT;
