-- Revert pgjikan:functions/embeddings/queue_embeddings from pg

BEGIN;

DROP FUNCTION jikan_sync.release_embeddings();

DROP FUNCTION jikan_sync.queue_missing_embeddings();

DROP FUNCTION jikan_sync.missing_embeddings(integer);

DROP FUNCTION jikan_sync.queue_embeddings(bigint[]);

DROP FUNCTION jikan_sync.low_embedding_ready_at();

DROP FUNCTION jikan_sync.embedding_input(jikan.anime);

COMMIT;
