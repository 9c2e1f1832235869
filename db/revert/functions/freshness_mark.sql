-- Revert pgjikan:functions/freshness_mark from pg

BEGIN;

DROP FUNCTION jikan_sync.mark_stale(integer);

COMMIT;
