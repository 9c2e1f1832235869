-- Revert pgjikan:jobs/sync_airing from pg

BEGIN;

DELETE FROM jikan_sync.job
WHERE name = 'sync_airing';

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
