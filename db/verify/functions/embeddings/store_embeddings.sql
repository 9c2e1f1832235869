-- Verify pgjikan:functions/embeddings/store_embeddings on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.write_embeddings(integer, bigint[], uuid[], text[])',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.write_query_vectors(integer, bigint[], text[])',
        'execute'
    );
    ASSERT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.store_embeddings(integer, bigint[], uuid[], bigint[], uuid[], text[], double precision)',
        'execute'
    );
END;
$$;

ROLLBACK;
