-- Revert pgjikan:schema/job from pg

BEGIN;

DROP TABLE jikan_sync.job_run;
DROP TABLE jikan_sync.job;

COMMIT;
