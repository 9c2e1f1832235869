-- Verify pgjikan:functions/embeddings/tg_queue_embedding on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.tg_queue_new_embedding()',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.tg_queue_changed_embedding()',
        'execute'
    );
END;
$$;

ROLLBACK;
