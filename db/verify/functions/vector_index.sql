-- Verify pgjikan:functions/vector_index on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.maintain_vector_index()',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.check_recall(integer)',
        'execute'
    );
END;
$$;

ROLLBACK;
