-- Verify pgjikan:functions/freshness/is_stale on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.max_age('core', 'Currently Airing') IS NOT NULL;
    ASSERT jikan_sync.max_age('core', 'no such status') = jikan_sync.max_age('core', NULL);
    ASSERT jikan_sync.is_stale('core', NULL, NULL);
    ASSERT jikan_sync.stale_at('2026-01-31T00:00:00Z', '1 month') = '2026-03-02T00:00:00Z';
    ASSERT jikan_sync.freshness('core', NULL, NULL) = 'never';
    PERFORM FROM jikan_sync.stale_core() LIMIT 0;
END;
$$;

ROLLBACK;
