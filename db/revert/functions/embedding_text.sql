-- Revert pgjikan:functions/embedding_text from pg

BEGIN;

DROP FUNCTION jikan_sync.embedding_text(text, text, text, text[], text[], text[], text);

COMMIT;
