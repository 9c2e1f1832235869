-- Revert pgjikan:functions/embeddings/fail_embeddings from pg

BEGIN;

DROP FUNCTION jikan_sync.fail_embeddings(integer, bigint[], uuid[], uuid[], text, text, interval);

DROP FUNCTION jikan_sync.doubt_embeddings(jikan_sync.embedding_provider, integer, uuid[]);

DROP FUNCTION jikan_sync.suspect_texts(integer, uuid[], integer);

DROP FUNCTION jikan_sync.note_embedding_answer(integer);

DROP FUNCTION jikan_sync.embedding_pause(jikan_sync.embedding_provider, text, interval);

COMMIT;
