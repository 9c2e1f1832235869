-- Verify pgjikan:functions/queue/release on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege('jikan_sidecar', 'jikan_sync.release(bigint, uuid)', 'execute');
    ASSERT has_function_privilege('jikan_sidecar', 'jikan_sync.release_worker(text)', 'execute');
    ASSERT NOT jikan_sync.release(0, '00000000-0000-0000-0000-000000000000');
    ASSERT (SELECT count(*) >= 0 FROM jikan_sync.expired_tasks());
    ASSERT jikan_sync.sweep_leases() >= 0;
END;
$$;

ROLLBACK;
