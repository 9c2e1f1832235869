-- Verify pgjikan:functions/jobs/purge_cron_runs on pg

BEGIN;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.purge_cron_runs(timestamptz)', 'execute'
    );
    ASSERT jikan_sync.purge_cron_runs('-infinity') = 0;
END;
$$;

ROLLBACK;
