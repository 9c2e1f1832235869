-- Deploy pgjikan:jobs/sync_season_weekly to pg
-- requires: functions/jobs/install_jobs
-- requires: functions/freshness/refresh_stale

-- What is announced changes slowly, and what ended last season still gets its scores.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, description)
VALUES (
    'sync_season_weekly',
    '7 days',
    '1 day 4 hours 23 minutes',
    'SELECT jikan_sync.start_sync_run(''season'', season => ''upcoming''),
        jikan_sync.sync_season_around(-1)',
    'Walks through the upcoming and the previous season.'
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
