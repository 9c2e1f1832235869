-- Revert pgjikan:schema/clock from pg

BEGIN;

DROP FUNCTION jikan_sync.clock_reset();
DROP FUNCTION jikan_sync.clock_advance(interval);
DROP FUNCTION jikan_sync.clock_set(timestamptz);
DROP FUNCTION jikan_sync.clock_now();
DROP TABLE jikan_sync.clock;

COMMIT;
