-- Verify pgjikan:schema/job on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    name,
    period,
    at,
    command,
    enabled,
    last_run_at,
    last_duration,
    last_outcome,
    failure_count
FROM jikan_sync.job
WHERE FALSE;

SELECT
    job_name,
    started_at,
    duration,
    outcome,
    result,
    sqlstate,
    message,
    context
FROM jikan_sync.job_run
WHERE FALSE;

ROLLBACK;
