-- Revert pgjikan:functions/queue/enqueue from pg

BEGIN;

DROP FUNCTION jikan_sync.enqueue_many(text, integer[], text, timestamptz, jsonb);
DROP FUNCTION jikan_sync.enqueue(text, integer, jsonb, text, timestamptz);


COMMIT;
