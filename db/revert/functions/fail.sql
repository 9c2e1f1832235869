-- Revert pgjikan:functions/fail from pg

BEGIN;

DROP FUNCTION jikan_sync.fail(bigint, uuid, text, text, interval);
DROP FUNCTION jikan_sync.fail_leased(bigint, text, text, interval);
DROP FUNCTION jikan_sync.retry_delay(text, integer);

COMMIT;
