-- Deploy pgjikan:jobs/sweep_leases to pg
-- requires: functions/install_jobs
-- requires: functions/release

-- Gives back what vanished workers held: a crash of theirs costs a task its lease and a minute.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, description, created_at)
VALUES (
    'sweep_leases',
    '1 minute',
    '0',
    'SELECT jikan_sync.sweep_leases()',
    'Gives tasks of vanished workers back.',
    '2000-01-01 00:00:00+00'  -- due at once
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
