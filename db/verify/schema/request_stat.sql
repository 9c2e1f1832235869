-- Verify pgjikan:schema/request_stat on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    hour,
    provider,
    task,
    outcome,
    request_count,
    byte_count,
    elapsed
FROM jikan_sync.request_stat
WHERE FALSE;

ROLLBACK;
