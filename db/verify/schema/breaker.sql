-- Verify pgjikan:schema/breaker on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    provider,
    state,
    opened_at,
    probe_at,
    doubted_until,
    last_failure,
    last_failure_at
FROM jikan_sync.breaker
WHERE FALSE;

SELECT
    provider,
    subject,
    failed_at,
    weight,
    is_current
FROM jikan_sync.breaker_failure
WHERE FALSE;

DO $$
BEGIN
    ASSERT jikan_sync.setting_number('breaker_failures') >= 1;
    ASSERT jikan_sync.setting_interval('breaker_probe_after') > interval '0';
END;
$$;

ROLLBACK;
