-- Revert pgjikan:functions/freshness/count_hit from pg

BEGIN;

DROP FUNCTION jikan_sync.fold_hits();
DROP FUNCTION jikan_sync.demand_now(double precision, timestamptz);
DROP FUNCTION jikan_sync.count_hit(bigint);

COMMIT;
