-- Revert pgjikan:functions/count_hits from pg

BEGIN;

DROP FUNCTION jikan_sync.fold_hits();
DROP FUNCTION jikan_sync.demand_now(double precision, timestamptz);
DROP FUNCTION jikan_sync.count_hits(bigint[]);

COMMIT;
