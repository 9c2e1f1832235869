-- Deploy pgjikan:functions/jobs/purge_cron_runs to pg
-- requires: schema/namespaces

-- pg_cron keeps every run for ever. Row security shows a login its own runs only, so this has the
-- rights of who calls: the entries that install_jobs makes, and purge_history as far as it may.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.purge_cron_runs(before timestamptz)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_count bigint;
BEGIN
    -- One question after the other: each fails where the one before it says no.
    IF NOT (CASE
        WHEN to_regnamespace('cron') IS NULL THEN false
        WHEN NOT has_schema_privilege('cron', 'usage') THEN false
        WHEN to_regclass('cron.job_run_details') IS NULL THEN false
        ELSE has_table_privilege('cron.job_run_details', 'delete')
    END) THEN
        RETURN 0;
    END IF;
    -- A run that a crash cut off has no end, one that never began no start: it is as old as the
    -- runs that were entered after it. What else pg_cron runs in this database is not ours.
    EXECUTE $cron$
        DELETE FROM cron.job_run_details AS d
        WHERE
            d.database = current_database()
            AND d.command LIKE 'SELECT jikan_sync.run_job_if_due(%'
            AND coalesce(
                d.end_time < $1,
                d.start_time < $1,
                d.runid < (
                    SELECT min(r.runid) FROM cron.job_run_details AS r WHERE r.start_time >= $1
                )
            )
    $cron$ USING before;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.purge_cron_runs(timestamptz) IS
'Deletes what pg_cron noted of runs of our jobs that ended, or if cut off began, before then, as far
as the caller may; answers how many. Runs of other people''s jobs stay.';

COMMIT;
