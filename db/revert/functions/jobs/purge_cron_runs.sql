-- Revert pgjikan:functions/jobs/purge_cron_runs from pg

BEGIN;

DROP FUNCTION jikan_sync.purge_cron_runs(timestamptz);

COMMIT;
