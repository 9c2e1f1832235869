-- Revert pgjikan:functions/jobs/install_jobs from pg

BEGIN;

DROP FUNCTION jikan_sync.install_jobs();
DROP FUNCTION jikan_sync.cron_schedule(interval, interval);

COMMIT;
