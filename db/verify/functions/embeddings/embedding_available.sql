-- Verify pgjikan:functions/embeddings/embedding_available on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.embedding_available() IS NOT NULL;
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.embedding_available()',
        'execute'
    );
END;
$$;

ROLLBACK;
