-- Revert pgjikan:functions/upstream/reserve_rate from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.slow_rate(text, interval);
DROP FUNCTION jikan_sync.reserve_rate(text, jsonb, interval);
DROP FUNCTION jikan_sync.rate_pace(text);
DROP FUNCTION jikan_sync.rate_wait(text, jsonb);
DROP FUNCTION jikan_sync.rate_spacing(jikan_sync.rate_limit, timestamptz);
DROP FUNCTION jikan_sync.recovered_pace(double precision, timestamptz, timestamptz);

COMMIT;
