-- Revert pgjikan:functions/embeddings/finish_embeddings from pg

BEGIN;

DROP FUNCTION jikan_sync.finish_embeddings(bigint[], uuid[]);

DROP FUNCTION jikan_sync.mark_embedded(bigint[]);

DROP FUNCTION jikan_sync.lacks_query_vector(text);

DROP FUNCTION jikan_sync.lacking_models(bigint);

COMMIT;
