-- Revert pgjikan:jobs/sync_season_weekly from pg

BEGIN;

DELETE FROM jikan_sync.job
WHERE name = 'sync_season_weekly';

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
