-- Revert pgjikan:functions/fail_embeddings from pg

BEGIN;

DROP FUNCTION jikan_sync.fail_embeddings(integer, bigint[], uuid[], uuid[], text, text, interval);

DROP FUNCTION jikan_sync.embedding_pause(jikan_sync.embedding_provider, text, interval);

COMMIT;
