-- Revert pgjikan:functions/queue/wish from pg

BEGIN;

DROP FUNCTION jikan_sync.wish(text, text, text, integer, text, text);

COMMIT;
