-- Revert pgjikan:functions/embeddings/embedding_available from pg

BEGIN;

DROP FUNCTION jikan_sync.embedding_available();
DROP FUNCTION jikan_sync.embedding_block(integer);

COMMIT;
