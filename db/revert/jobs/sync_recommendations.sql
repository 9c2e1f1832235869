-- Revert pgjikan:jobs/sync_recommendations from pg

BEGIN;

DELETE FROM jikan_sync.job
WHERE name = 'sync_recommendations';

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
