-- Revert pgjikan:schema/clock from pg

BEGIN;

DROP FUNCTION jikan_sync.clock_reset();
DROP FUNCTION jikan_sync.clock_advance(interval);
DROP FUNCTION jikan_sync.clock_set(timestamptz);
DROP FUNCTION jikan_sync.is_over_time();
DROP FUNCTION jikan_sync.ago(interval);
DROP FUNCTION jikan_sync.earlier(timestamptz, interval);
DROP FUNCTION jikan_sync.later(timestamptz, interval);
DROP FUNCTION jikan_sync.clock_now();
DROP TABLE jikan_sync.clock;

COMMIT;
