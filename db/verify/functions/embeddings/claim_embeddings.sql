-- Verify pgjikan:functions/embeddings/claim_embeddings on pg

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
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.embedding_company(jikan_sync.claimed_task[])',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.charge_embeddings(jikan_sync.claimed_task[])',
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
