-- Verify pgjikan:functions/jobs/run_job on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.next_due('1 day', '2 hours', '2026-11-23T01:59:59Z', 0)
        = '2026-11-23T02:00:00Z';
    ASSERT jikan_sync.next_due('1 day', '2 hours', '2026-11-23T02:00:00Z', 0)
        = '2026-11-24T02:00:00Z';
    ASSERT has_function_privilege('jikan_sidecar', 'jikan_sync.tick(integer)', 'execute');
    ASSERT NOT has_function_privilege('jikan_sidecar', 'jikan_sync.run_job(text)', 'execute');
END;
$$;

ROLLBACK;
