-- Verify pgjikan:schema/status on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT (SELECT count(*) >= 13 FROM jikan_sync.status_facet);
    ASSERT (SELECT count(*) >= 6 FROM jikan_sync.status);
END;
$$;

ROLLBACK;
