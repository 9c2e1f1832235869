-- Deploy pgjikan:jobs/mark_stale to pg
-- requires: functions/jobs/install_jobs
-- requires: functions/freshness/mark_stale

-- Writes down once an hour what the timestamps say all the time.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, description)
VALUES (
    'mark_stale',
    '1 hour',
    '7 minutes',
    'SELECT jikan_sync.mark_stale()',
    'Writes down in sync_status what has gone stale.'
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
