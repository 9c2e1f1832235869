-- Deploy pgjikan:jobs/sync_season to pg
-- requires: functions/install_jobs
-- requires: functions/sync_run

-- The season's pages vouch for 25 airing shows a request. Twice a day, because the policy lets
-- them age a day: walking once a day, each would go stale for minutes, every day.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, description)
VALUES (
    'sync_season',
    '12 hours',
    '3 hours 17 minutes',
    'SELECT jikan_sync.start_sync_run(''season'', season => ''now'')',
    'Walks through the current season: what is airing stays fresh.'
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
