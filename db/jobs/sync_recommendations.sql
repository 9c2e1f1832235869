-- Deploy pgjikan:jobs/sync_recommendations to pg
-- requires: functions/jobs/install_jobs
-- requires: functions/upstream/sync_run

-- What users recommended since the last walk, a few pages a week. Off until somebody turns it on:
-- who never asked for recommendations in bulk should not get them.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, enabled, description)
VALUES (
    'sync_recommendations',
    '7 days',
    '2 days 5 hours 37 minutes',
    'SELECT jikan_sync.start_sync_run(''recommendations'')',
    false,
    'Walks through what users recommended since the last walk; off until it is enabled.'
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
