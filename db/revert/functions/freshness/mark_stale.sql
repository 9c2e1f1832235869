-- Revert pgjikan:functions/freshness/mark_stale from pg

BEGIN;

DROP FUNCTION jikan_sync.mark_stale(integer);

COMMIT;
