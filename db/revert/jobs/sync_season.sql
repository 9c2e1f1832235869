-- Revert pgjikan:jobs/sync_season from pg

BEGIN;

DELETE FROM jikan_sync.job
WHERE name = 'sync_season';

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
