-- Verify pgjikan:functions/queue/complete on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege('jikan_sidecar', 'jikan_sync.complete(bigint, uuid)', 'execute');
    ASSERT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.complete_many(bigint[], uuid[])', 'execute'
    );
    ASSERT NOT jikan_sync.complete(0, '00000000-0000-0000-0000-000000000000');
END;
$$;

ROLLBACK;
