-- Revert pgjikan:functions/jobs/metric from pg

BEGIN;

DROP FUNCTION jikan_sync.metric();

COMMIT;
