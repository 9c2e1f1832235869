-- Revert pgjikan:jobs/refresh_stale from pg

BEGIN;

DELETE FROM jikan_sync.job
WHERE name = 'refresh_stale';

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
