-- Revert pgjikan:jobs/sync_catalogue from pg

BEGIN;

DELETE FROM jikan_sync.job
WHERE name = 'sync_catalogue';

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
