-- Revert pgjikan:jobs/nightly_embeddings from pg

BEGIN;

DELETE FROM jikan_sync.job
WHERE name = 'nightly_embeddings';

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
