-- Verify pgjikan:functions/freshness_age on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.max_age('core', 'Currently Airing') IS NOT NULL;
    ASSERT jikan_sync.max_age('core', 'no such status') = jikan_sync.max_age('core', NULL);
    ASSERT jikan_sync.is_stale('core', NULL, NULL);
    PERFORM FROM jikan_sync.stale_core() LIMIT 0;
END;
$$;

ROLLBACK;
