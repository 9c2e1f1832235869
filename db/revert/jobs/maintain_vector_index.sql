-- Revert pgjikan:jobs/maintain_vector_index from pg

BEGIN;

DELETE FROM jikan_sync.job
WHERE name = 'maintain_vector_index';

DO $$
BEGIN
    PERFORM jikan_sync.install_jobs();
END;
$$;

COMMIT;
