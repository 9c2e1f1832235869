-- Deploy pgjikan:jobs/purge_history to pg
-- requires: functions/jobs/install_jobs
-- requires: functions/jobs/purge_history

-- Keeps what only grows at its retention.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, description)
VALUES (
    'purge_history',
    '1 day',
    '4 hours 53 minutes',
    'SELECT jikan_sync.purge_history()',
    'Deletes old history.'
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
