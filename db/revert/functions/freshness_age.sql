-- Revert pgjikan:functions/freshness_age from pg

BEGIN;

DROP FUNCTION jikan_sync.stale_core(interval);
DROP FUNCTION jikan_sync.is_stale(text, text, timestamptz);
DROP FUNCTION jikan_sync.max_age(text, text);

COMMIT;
