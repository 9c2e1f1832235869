-- Verify pgjikan:functions/freshness_request on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.request_refresh('{2147483647}') = 0;
    ASSERT jikan_sync.request_facets(2147483647) IN (0, 1);
    ASSERT jikan_sync.request_facets(-1) = 0;
END;
$$;

ROLLBACK;
