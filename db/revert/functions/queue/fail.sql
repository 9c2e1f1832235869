-- Revert pgjikan:functions/queue/fail from pg

BEGIN;

DROP FUNCTION jikan_sync.fail(bigint, uuid, text, text, interval);
DROP FUNCTION jikan_sync.bury(jikan_sync.queue, text, text);
DROP FUNCTION jikan_sync.retry_delay(text, integer);

COMMIT;
