-- Verify pgjikan:functions/freshness/mark_stale on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.mark_stale() >= 0;
END;
$$;

ROLLBACK;
