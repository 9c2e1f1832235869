-- Verify pgjikan:functions/upstream/provider on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    name,
    breaker,
    wait,
    pace,
    keyed_wait,
    keyed_pace,
    next_try_at,
    request_count
FROM jikan_sync.provider_status
WHERE FALSE;

DO $$
BEGIN
    PERFORM jikan_sync.set_provider('verify', 'http://127.0.0.1:1/v4', per_minute => 30);
    PERFORM jikan_sync.enable_provider('verify', false);
    ASSERT (
        SELECT NOT s.enabled AND s.pace = 1
        FROM jikan_sync.provider_status AS s
        WHERE s.name = 'verify'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.enable_provider(text, boolean)', 'execute'
    );
END;
$$;

ROLLBACK;
