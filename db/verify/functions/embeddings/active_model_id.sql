-- Verify pgjikan:functions/embeddings/active_model_id on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.active_model_id()',
        'execute'
    );
    ASSERT has_function_privilege('jikan_sidecar', 'jikan_sync.active_model()', 'execute');
END;
$$;

ROLLBACK;
