-- Revert pgjikan:functions/embeddings/embedding_status from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.embedding_status();

COMMIT;
