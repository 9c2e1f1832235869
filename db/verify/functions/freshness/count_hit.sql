-- Verify pgjikan:functions/freshness/count_hit on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    PERFORM jikan_sync.count_hit(NULL);
    ASSERT jikan_sync.fold_hits() >= 0;
    ASSERT jikan_sync.demand_now(8, jikan_sync.ago('14 days')) BETWEEN 3.9 AND 4.1;
END;
$$;

ROLLBACK;
