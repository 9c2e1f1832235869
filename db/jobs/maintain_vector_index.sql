-- Deploy pgjikan:jobs/maintain_vector_index to pg
-- requires: functions/install_jobs
-- requires: functions/vector_index

-- A table that has grown gets its vector index by itself, in the quiet hours.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, description)
VALUES (
    'maintain_vector_index',
    '1 day',
    '3 hours 17 minutes',
    'SELECT jikan_sync.maintain_vector_index()',
    'Builds or drops the vector index of a model, by the number of its vectors.'
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
