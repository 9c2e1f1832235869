-- Verify pgjikan:functions/search/popularity on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.popularity_weight(1023, NULL) = 10;
    ASSERT jikan_sync.popularity_tier(1023, NULL) = 6;
    ASSERT jikan_sync.popularity_share(0, NULL) = 0;
END;
$$;

ROLLBACK;
