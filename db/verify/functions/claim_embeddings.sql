-- Verify pgjikan:functions/claim_embeddings on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.adopt_embeddings(bigint[])',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.embedding_demand(jikan_sync.claimed_task[])',
        'execute'
    );
    ASSERT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.claim_embeddings(text)',
        'execute'
    );
END;
$$;

ROLLBACK;
