-- Verify pgjikan:jobs/sweep_leases on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT (SELECT count(*) = 1 FROM jikan_sync.job AS j WHERE j.name = 'sweep_leases');
END;
$$;

ROLLBACK;
