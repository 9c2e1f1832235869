-- Verify pgjikan:functions/embeddings/current_vector on pg

BEGIN;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.current_vector(bigint, uuid)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.current_vector(bigint, uuid)', 'execute'
    );
END;
$$;

ROLLBACK;
