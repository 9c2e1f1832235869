-- Verify pgjikan:functions/freshness/request_refresh on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.request_refresh('{2147483647}') = 0;
    ASSERT jikan_sync.request_facets(2147483647) IN (0, 1);
    ASSERT jikan_sync.request_facets(-1) = 0;
    ASSERT NOT jikan_sync.request_facet('no such facet', 1, 'high');
END;
$$;

ROLLBACK;
