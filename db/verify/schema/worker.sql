-- Verify pgjikan:schema/worker on pg

BEGIN;

SELECT
    name,
    lanes,
    version,
    started_at,
    seen_at
FROM jikan_sync.worker
WHERE false;

DO $$
BEGIN
    ASSERT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.heartbeat(text, text[], text)', 'execute'
    );
    ASSERT NOT has_table_privilege('jikan_sidecar', 'jikan_sync.worker', 'insert');
END;
$$;

ROLLBACK;
