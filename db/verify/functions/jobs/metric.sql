-- Verify pgjikan:functions/jobs/metric on pg

BEGIN;

DO $$
BEGIN
    ASSERT has_function_privilege('jikan_sidecar', 'jikan_sync.metric()', 'execute');
    ASSERT (SELECT count(*) FROM jikan_sync.metric()) > 20;
END;
$$;

ROLLBACK;
