-- Deploy pgjikan:jobs/refresh_stale to pg
-- requires: functions/jobs/install_jobs
-- requires: functions/freshness/refresh_stale

-- Keeps what people look at fresh without their asking, a little every five minutes.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, description)
VALUES (
    'refresh_stale',
    '5 minutes',
    '2 minutes',
    'SELECT jikan_sync.refresh_stale()',
    'Queues the most wanted stale titles, within a budget.'
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
