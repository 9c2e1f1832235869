-- Revert pgjikan:schema/worker from pg

BEGIN;

DROP FUNCTION jikan_sync.heartbeat(text, text[], text);
DROP TABLE jikan_sync.worker;

COMMIT;
