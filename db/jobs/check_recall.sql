-- Deploy pgjikan:jobs/check_recall to pg
-- requires: functions/install_jobs
-- requires: functions/vector_index

-- An approximate index that loses neighbours shows nowhere but here.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, description)
VALUES (
    'check_recall',
    '7 days',
    '4 hours 41 minutes',
    'SELECT jikan_sync.check_recall()',
    'Measures how much of the exact answer recommendations find.'
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
