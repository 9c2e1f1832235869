-- Revert pgjikan:functions/freshness/is_stale from pg

BEGIN;

DROP FUNCTION jikan_sync.stale_core(interval);
DROP FUNCTION jikan_sync.status_class(text);
DROP FUNCTION jikan_sync.stale_thresholds(text, interval);
DROP FUNCTION jikan_sync.freshness(text, text, timestamptz);
DROP FUNCTION jikan_sync.is_stale(text, text, timestamptz);
DROP FUNCTION jikan_sync.max_age(text, text);
DROP FUNCTION jikan_sync.stale_at(timestamptz, interval);

COMMIT;
