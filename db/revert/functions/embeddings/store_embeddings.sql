-- Revert pgjikan:functions/embeddings/store_embeddings from pg

BEGIN;

DROP FUNCTION jikan_sync.store_embeddings(
    integer, bigint[], uuid[], bigint[], uuid[], text[], double precision
);

DROP FUNCTION jikan_sync.purge_query_vectors(integer);

DROP FUNCTION jikan_sync.write_query_vectors(integer, bigint[], text[]);

DROP FUNCTION jikan_sync.write_embeddings(integer, bigint[], uuid[], text[]);

COMMIT;
