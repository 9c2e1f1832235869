-- Revert pgjikan:jobs/confirm_missing from pg

BEGIN;

DELETE FROM jikan_sync.job
WHERE name = 'confirm_missing';

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
