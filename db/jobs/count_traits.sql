-- Deploy pgjikan:jobs/count_traits to pg
-- requires: functions/jobs/install_jobs
-- requires: functions/recommend/count_traits

-- What is rare is counted anew as the mirror grows. A job of its own: its runs hold profiles, and
-- whoever stores a title must not wait for neighbours besides.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, description)
VALUES (
    'count_traits',
    '1 minute',
    '50 seconds',
    'SELECT jikan_sync.count_traits()::integer',
    'Counts how rare genres and studios are, and writes what that changes, a bounded number a run.'
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
