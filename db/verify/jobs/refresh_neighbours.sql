-- Verify pgjikan:jobs/refresh_neighbours on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT (SELECT count(*) = 1 FROM jikan_sync.job AS j WHERE j.name = 'refresh_neighbours');
END;
$$;

ROLLBACK;
