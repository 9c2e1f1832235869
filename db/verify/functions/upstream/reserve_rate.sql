-- Verify pgjikan:functions/upstream/reserve_rate on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    PERFORM jikan_sync.clock_set('2026-11-23T00:00:00Z');
    INSERT INTO jikan_sync.rate_limit (subject, unit, period, allowed)
    VALUES ('verify', 'request', '1 minute', 60);
    ASSERT jikan_sync.reserve_rate('verify', '{"request": 1}') = interval '0';
    ASSERT jikan_sync.reserve_rate('verify', '{"request": 1}') >= interval '1 second';
    ASSERT jikan_sync.reserve_rate('verify', '{"request": 1}', '0') < interval '3 seconds';
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.reserve_rate(text, jsonb, interval)', 'execute'
    );
END;
$$;

ROLLBACK;
