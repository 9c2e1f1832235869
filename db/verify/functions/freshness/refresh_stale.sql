-- Verify pgjikan:functions/freshness/refresh_stale on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    day,
    used_count
FROM jikan_sync.refresh_budget
WHERE FALSE;

DO $$
BEGIN
    ASSERT jikan_sync.refresh_stale() >= 0;
    ASSERT jikan_sync.sync_catalogue_if_due() IS NOT NULL;
END;
$$;

ROLLBACK;
