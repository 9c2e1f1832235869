-- Deploy pgjikan:jobs/sync_season to pg
-- requires: functions/jobs/install_jobs
-- requires: functions/upstream/sync_run

-- The season's pages bring what is new in it, 25 titles a request.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, description)
VALUES (
    'sync_season',
    '1 day',
    '3 hours 17 minutes',
    'SELECT jikan_sync.start_sync_run(''season'', season => ''now'')',
    'Walks through the current season: what is new in it comes in.'
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
