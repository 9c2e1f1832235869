-- Verify pgjikan:functions/embeddings/backfill_embeddings on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.estimate_backfill(integer)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.backfill_embeddings(integer)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.backfill_progress(integer)',
        'execute'
    );
END;
$$;

ROLLBACK;
