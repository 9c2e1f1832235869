-- Verify pgjikan:functions/queue/redrive on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.redrive('{0}') = 0;
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.redrive(bigint[], text)', 'execute'
    );
END;
$$;

ROLLBACK;
