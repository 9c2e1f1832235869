-- Verify pgjikan:schema/embedding_provider on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    name,
    max_inputs,
    max_tokens,
    ms_per_input,
    quota_timezone,
    failure_count,
    doubt_count,
    answered_at,
    inputs_limit,
    limited_until,
    blocked_until,
    blocked_reason
FROM jikan_sync.embedding_provider
WHERE FALSE;

ROLLBACK;
