-- Verify pgjikan:schema/retry_policy on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT (
        SELECT array_agg(p.error_class ORDER BY p.error_class) FROM jikan_sync.retry_policy AS p
    ) @> ARRAY['bug', 'lease_expired', 'provider_down', 'rate_limited', 'row'];
END;
$$;

ROLLBACK;
