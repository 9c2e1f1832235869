-- Deploy pgjikan:jobs/sweep_leases to pg
-- requires: functions/jobs/install_jobs
-- requires: functions/queue/release
-- requires: functions/embeddings/embedding_model

-- Gives back what vanished workers held: a crash of theirs costs a task its lease and a minute.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.job (name, period, at, command, description, created_at)
VALUES (
    'sweep_leases',
    '1 minute',
    '0',
    'SELECT jikan_sync.sweep_leases() + jikan_sync.drop_awaited_models()',
    'Gives tasks of vanished workers back, and finishes what a reader was in the way of.',
    '2000-01-01 00:00:00+00'  -- due at once
);

-- pg_cron runs an entry as the login that made it.
RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
