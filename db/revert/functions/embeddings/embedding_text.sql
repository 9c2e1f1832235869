-- Revert pgjikan:functions/embeddings/embedding_text from pg

BEGIN;

DROP FUNCTION jikan_sync.embedding_text(text, text, text, text[], text[], text[], text);

COMMIT;
