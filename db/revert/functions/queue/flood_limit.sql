-- Revert pgjikan:functions/queue/flood_limit from pg

BEGIN;

DROP FUNCTION jikan_sync.flood_limit(text, bigint, text);

COMMIT;
