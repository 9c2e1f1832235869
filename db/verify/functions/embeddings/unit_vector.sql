-- Verify pgjikan:functions/embeddings/unit_vector on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.is_unit_vector(halfvec, integer)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.parse_vector(text)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.read_unit_vector(text, integer)',
        'execute'
    );
END;
$$;

ROLLBACK;
