-- Verify pgjikan:schema/rate_limit on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    subject,
    unit,
    period,
    allowed,
    burst,
    tat,
    paused_until,
    pace,
    slowed_at
FROM jikan_sync.rate_limit
WHERE FALSE;

DO $$
BEGIN
    ASSERT jikan_sync.setting_interval('rate_jitter') < interval '1 minute';
    ASSERT jikan_sync.setting_number('rate_headroom') < 1;
    ASSERT jikan_sync.setting_number('rate_pace_min') BETWEEN 0 AND 1;
END;
$$;

ROLLBACK;
