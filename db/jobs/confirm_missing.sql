-- Deploy pgjikan:jobs/confirm_missing to pg
-- requires: functions/jobs/install_jobs
-- requires: functions/store/note_missing

-- One 404 is not the end of a title: this asks for the second and the third, a day apart.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, description)
VALUES (
    'confirm_missing',
    '1 day',
    '5 hours 41 minutes',
    'SELECT jikan_sync.confirm_missing()',
    'Asks again for titles that answered 404.'
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
