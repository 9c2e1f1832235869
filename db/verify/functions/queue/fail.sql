-- Verify pgjikan:functions/queue/fail on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.fail(bigint, uuid, text, text, interval)', 'execute'
    );
    ASSERT jikan_sync.fail(0, '00000000-0000-0000-0000-000000000000', 'row', 'verify') = 'lost';
    ASSERT jikan_sync.retry_delay('provider_down', 1000000) < interval '1 day';
END;
$$;

ROLLBACK;
