-- Revert pgjikan:jobs/mark_stale from pg

BEGIN;

DELETE FROM jikan_sync.job
WHERE name = 'mark_stale';

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
