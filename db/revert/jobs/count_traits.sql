-- Revert pgjikan:jobs/count_traits from pg

BEGIN;

DELETE FROM jikan_sync.job
WHERE name = 'count_traits';

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
