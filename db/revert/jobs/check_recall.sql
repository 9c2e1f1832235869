-- Revert pgjikan:jobs/check_recall from pg

BEGIN;

DELETE FROM jikan_sync.job
WHERE name = 'check_recall';

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
