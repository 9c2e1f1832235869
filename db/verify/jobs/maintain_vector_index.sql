-- Verify pgjikan:jobs/maintain_vector_index on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT (SELECT count(*) = 1 FROM jikan_sync.job AS j WHERE j.name = 'maintain_vector_index');
END;
$$;

ROLLBACK;
