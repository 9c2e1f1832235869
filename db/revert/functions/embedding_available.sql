-- Revert pgjikan:functions/embedding_available from pg

BEGIN;

DROP FUNCTION jikan_sync.embedding_available();

COMMIT;
