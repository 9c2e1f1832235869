-- Deploy pgjikan:jobs/fold_v4 to pg
-- requires: functions/jobs/install_jobs
-- requires: functions/v4/fold

-- Keeps the totals of the v4 API quick to count.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, description)
VALUES (
    'fold_v4',
    '1 minute',
    '0',
    'SELECT jikan_sync.v4_fold()',
    'Folds changed anime into the bitmaps that totals of the v4 API are counted from.'
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
