-- Revert pgjikan:jobs/fold_v4 from pg

BEGIN;

DELETE FROM jikan_sync.job
WHERE name = 'fold_v4';

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
