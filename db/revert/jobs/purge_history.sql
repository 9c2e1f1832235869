-- Revert pgjikan:jobs/purge_history from pg

BEGIN;

DELETE FROM jikan_sync.job
WHERE name = 'purge_history';

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
