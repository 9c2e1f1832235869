-- Revert pgjikan:functions/queue/complete from pg

BEGIN;

DROP FUNCTION jikan_sync.complete(bigint, uuid);
DROP FUNCTION jikan_sync.complete_many(bigint[], uuid[]);

COMMIT;
