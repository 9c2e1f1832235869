-- Revert pgjikan:functions/jobs/run_job from pg

BEGIN;

DROP FUNCTION jikan_sync.tick(integer);
DROP FUNCTION jikan_sync.run_job_if_due(text);
DROP FUNCTION jikan_sync.run_job(text);
DROP FUNCTION jikan_sync.run_job_locked(text, boolean);
DROP FUNCTION jikan_sync.next_due(interval, interval, timestamptz, integer);

COMMIT;
