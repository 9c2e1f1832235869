-- Deploy pgjikan:jobs/nightly_embeddings to pg
-- requires: functions/jobs/install_jobs
-- requires: functions/embeddings/queue_embeddings

-- Bulk embedding waits for the night, where the model costs money or the machine is busy by day.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, description)
VALUES (
    'nightly_embeddings',
    '1 day',
    '2 hours',
    'SELECT jikan_sync.release_embeddings()',
    'Lets low embed tasks run that wait for the night.'
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
