-- Revert pgjikan:functions/enqueue from pg

BEGIN;

DROP FUNCTION jikan_sync.enqueue_many(text, integer[], text, timestamptz);
DROP FUNCTION jikan_sync.enqueue(text, integer, jsonb, text, timestamptz);
DROP FUNCTION jikan_sync.flood_limit(text, bigint, text);

COMMIT;
