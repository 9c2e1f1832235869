-- Verify pgjikan:jobs/fold_v4 on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT (SELECT count(*) = 1 FROM jikan_sync.job AS j WHERE j.name = 'fold_v4');
END;
$$;

ROLLBACK;
