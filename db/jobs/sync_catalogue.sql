-- Deploy pgjikan:jobs/sync_catalogue to pg
-- requires: functions/jobs/install_jobs
-- requires: functions/freshness/refresh_stale

-- Looks once a day whether so much is about to go stale that a walk is the cheaper refresh.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, description)
VALUES (
    'sync_catalogue',
    '1 day',
    '1 hour 29 minutes',
    'SELECT jikan_sync.sync_catalogue_if_due()',
    'Walks through the catalogue when that is the cheapest refresh.'
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
