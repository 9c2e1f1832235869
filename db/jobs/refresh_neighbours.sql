-- Deploy pgjikan:jobs/refresh_neighbours to pg
-- requires: functions/jobs/install_jobs
-- requires: functions/recommend/refresh_neighbours

-- Recommendations follow what changed within a minute or two, a bounded number a run.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, description)
VALUES (
    'refresh_neighbours',
    '1 minute',
    '20 seconds',
    'SELECT jikan_sync.refresh_neighbours()',
    'Reckons anew what goes with titles that changed, and the oldest, a bounded number a run.'
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
