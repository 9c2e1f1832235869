-- Verify pgjikan:jobs/count_traits on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT (SELECT count(*) = 1 FROM jikan_sync.job AS j WHERE j.name = 'count_traits');
END;
$$;

ROLLBACK;
