-- Deploy pgjikan:jobs/sync_airing to pg
-- requires: functions/jobs/install_jobs
-- requires: functions/upstream/sync_run

-- The list of what is airing vouches for 25 shows a request; the season's pages leave out the long
-- runners. Twice a day, because the policy lets them age a day: walking once a day, each would go
-- stale for minutes, every day.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, description)
VALUES (
    'sync_airing',
    '12 hours',
    '47 minutes',
    'SELECT jikan_sync.start_sync_run(''season'', season => ''airing'')',
    'Walks through all that is airing: it stays fresh.'
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
