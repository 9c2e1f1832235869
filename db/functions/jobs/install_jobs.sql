-- Deploy pgjikan:functions/jobs/install_jobs to pg
-- requires: functions/jobs/run_job
-- requires: functions/jobs/purge_cron_runs

-- pg_cron entries, where this database has pg_cron, derived from jikan_sync.job and never the other
-- way round. They belong to the login that installs them, because pg_cron logs in to run them and
-- jikan_owner cannot; what they call has the owner's rights. What cron cannot express, or would run
-- in another time zone, becomes a look every five minutes: nothing runs that is not due.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.cron_schedule(period interval, at interval)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        CASE
            WHEN s.minutes = 1 THEN '* * * * *'
            WHEN s.minutes < 60 AND mod(60, s.minutes) = 0
                THEN format('%s-59/%s * * * *', s.at, s.minutes)
            WHEN s.minutes = 60 THEN format('%s * * * *', s.at)
            WHEN s.minutes < 1440 AND mod(s.minutes, 60) = 0 AND mod(1440, s.minutes) = 0
                THEN format('%s %s-23/%s * * *', mod(s.at, 60), s.at / 60, s.minutes / 60)
            WHEN s.minutes = 1440 THEN format('%s %s * * *', mod(s.at, 60), s.at / 60)
            -- Our week begins on Monday, cron's on Sunday.
            WHEN s.minutes = 10080
                THEN format(
                    '%s %s * * %s',
                    mod(s.at, 60), mod(s.at, 1440) / 60, mod(s.at / 1440 + 1, 7)
                )
            ELSE '*/5 * * * *'
        END
    FROM (
        SELECT
            m.minutes,
            mod(ceil(extract(EPOCH FROM cron_schedule.at) / 60)::integer, m.minutes) AS at
        FROM (
            SELECT ceil(extract(EPOCH FROM cron_schedule.period) / 60)::integer AS minutes
        ) AS m
    ) AS s;
END;

COMMENT ON FUNCTION jikan_sync.cron_schedule(interval, interval) IS
'The cron schedule (UTC) of a job with this period and offset.';

CREATE FUNCTION jikan_sync.install_jobs()
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_is_utc boolean := coalesce(current_setting('cron.timezone', true), 'GMT')
        IN ('GMT', 'UTC', 'Etc/UTC');
    v_count integer := 0;
    v_job jikan_sync.job;
    v_gone bigint;
BEGIN
    IF to_regnamespace('cron') IS NULL THEN
        RETURN 0;  -- the sidecar's tick does it alone
    END IF;
    IF NOT (SELECT r.rolcanlogin FROM pg_roles AS r WHERE r.rolname = current_user) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('pg_cron could not log in as %s', current_user),
            HINT = 'RESET ROLE, and install the jobs as a login that is a member of jikan_owner.';
    END IF;

    -- What no job stands for any more, and what belongs to a login that is gone: pg_cron would try
    -- for ever. Entries of others are seen, and removed, by a superuser only.
    FOR v_gone IN EXECUTE
        $cron$
            SELECT c.jobid FROM cron.job AS c
            WHERE
                c.jobname LIKE 'pgjikan:%'
                AND c.database = current_database()
                AND CASE
                    WHEN c.username = current_user
                        THEN NOT EXISTS (
                            SELECT FROM jikan_sync.job AS j
                            WHERE j.enabled AND c.jobname = 'pgjikan:' || j.name
                        )
                    ELSE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = c.username)
                END
        $cron$
    LOOP
        EXECUTE 'SELECT cron.unschedule($1)' USING v_gone;
    END LOOP;
    FOR v_job IN SELECT j.* FROM jikan_sync.job AS j WHERE j.enabled ORDER BY j.name LOOP
        EXECUTE 'SELECT cron.schedule($1, $2, $3)' USING
            'pgjikan:' || v_job.name,
            CASE
                WHEN v_is_utc OR v_job.period < interval '1 hour'
                    THEN jikan_sync.cron_schedule(v_job.period, v_job.at)
                ELSE '*/5 * * * *'
            END,
            format('SELECT jikan_sync.run_job_if_due(%L)', v_job.name)
            -- pg_cron keeps every run for ever, and only its own login may delete them.
            || CASE
                WHEN v_job.name = 'purge_history'
                    THEN format(
                        '; SELECT jikan_sync.purge_cron_runs(jikan_sync.earlier(now(), %L))',
                        jikan_sync.setting_interval('history_retention')
                    )
                ELSE ''
            END;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
EXCEPTION
    -- A deploy must not fail for want of pg_cron: the tick does the same work.
    WHEN insufficient_privilege THEN
        RAISE WARNING USING
            MESSAGE = format('%s may not schedule with pg_cron: %s', current_user, SQLERRM),
            HINT = format('As a superuser: GRANT USAGE ON SCHEMA cron TO %I; then SELECT '
                          'jikan_sync.install_jobs(). Until then the sidecar runs the jobs.',
                          current_user);
        RETURN 0;
END;
$$;

COMMENT ON FUNCTION jikan_sync.install_jobs() IS
'Makes the pg_cron entries of this login what `jikan_sync.job` says, and answers how many there are;
0 where there is no pg_cron. As a superuser it also removes entries of logins that are gone. Safe to
repeat. Raises: 55000 (as a role that cannot log in).';

COMMIT;
