-- Verify pgjikan:jobs/nightly_embeddings on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT (SELECT count(*) = 1 FROM jikan_sync.job AS j WHERE j.name = 'nightly_embeddings');
END;
$$;

ROLLBACK;
