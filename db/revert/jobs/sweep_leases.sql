-- Revert pgjikan:jobs/sweep_leases from pg

BEGIN;

DELETE FROM jikan_sync.job
WHERE name = 'sweep_leases';

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
