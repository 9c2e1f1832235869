-- Revert pgjikan:jobs/refresh_neighbours from pg

BEGIN;

DELETE FROM jikan_sync.job
WHERE name = 'refresh_neighbours';

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
