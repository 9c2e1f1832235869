-- Verify pgjikan:functions/embeddings/embedding_status on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT id FROM jikan_sync.embedding_status()
WHERE FALSE;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.embedding_status()', 'execute'
    );
END;
$$;

ROLLBACK;
