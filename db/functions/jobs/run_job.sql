-- Deploy pgjikan:functions/jobs/run_job to pg
-- requires: schema/job
-- requires: schema/clock

-- The one way a job runs, whoever calls: under a lock, timed, logged, its error kept from everybody
-- else. A job is due when a slot (origin + at + n × period) has begun since it last ran, so a month
-- of sleep is one run; one that failed is due again sooner, after a wait that doubles.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.next_due(
    period interval,
    at interval,
    last_run_at timestamptz,
    failure_count integer
)
RETURNS timestamptz
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    -- The origin is a Monday, for the weekly ones. All in UTC: summer time moves no slot.
    SELECT
        least(
            jikan_sync.later(
                date_bin(
                    next_due.period,
                    next_due.last_run_at,
                    jikan_sync.later('2001-01-01 00:00:00+00', next_due.at)
                ),
                next_due.period
            ),
            CASE
                WHEN next_due.failure_count > 0
                    THEN jikan_sync.later(
                        next_due.last_run_at,
                        interval '1 minute' * power(2, least(next_due.failure_count, 12))
                    )
            END
        );
END;

COMMENT ON FUNCTION jikan_sync.next_due(interval, interval, timestamptz, integer) IS
'When a job that last ran then is due again: its next slot, or after a failure 2, 4, 8 … minutes
later, whichever comes first.';

CREATE FUNCTION jikan_sync.run_job_locked(job_name text, only_if_due boolean)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_job jikan_sync.job;
    v_now timestamptz := jikan_sync.clock_now();
    v_started_at timestamptz := clock_timestamp();
    v_lock_timeout text := current_setting('lock_timeout');
    v_outcome text := 'ok';
    v_result text;
    v_state text;
    v_message text;
    v_detail text;
    v_hint text;
    v_context text;
BEGIN
    -- Whoever runs a job holds its row: nobody but the owner can, and nobody waits for it.
    SELECT j.* INTO v_job
    FROM jikan_sync.job AS j
    WHERE j.name = job_name
    FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        IF EXISTS (SELECT FROM jikan_sync.job AS j WHERE j.name = job_name) THEN
            RETURN 'running';
        END IF;
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('there is no job %L', job_name),
            HINT = 'SELECT name, description FROM jikan_sync.job;';
    END IF;
    IF only_if_due AND (
        NOT v_job.enabled
        OR v_now < jikan_sync.next_due(
            v_job.period, v_job.at, coalesce(v_job.last_run_at, v_job.created_at),
            v_job.failure_count
        )
    ) THEN
        RETURN 'not due';
    END IF;

    BEGIN
        PERFORM set_config('lock_timeout', '10s', true);
        EXECUTE v_job.command INTO v_result;
    EXCEPTION
        -- OTHERS leaves query_canceled out, and a job over its time limit must not hide.
        WHEN query_canceled OR OTHERS THEN
            GET STACKED DIAGNOSTICS
                v_state = RETURNED_SQLSTATE,
                v_message = MESSAGE_TEXT,
                v_detail = PG_EXCEPTION_DETAIL,
                v_hint = PG_EXCEPTION_HINT,
                v_context = PG_EXCEPTION_CONTEXT;
            IF v_state = '57014' AND NOT jikan_sync.is_over_time() THEN
                -- Somebody stops this process: the job is as due as it was.
                RAISE;
            END IF;
            v_outcome := 'failed';
            v_result := NULL;
    END;
    PERFORM set_config('lock_timeout', v_lock_timeout, true);

    INSERT INTO jikan_sync.job_run (
        job_name, started_at, duration, outcome, result, sqlstate, message, context
    )
    VALUES (
        v_job.name, v_now, clock_timestamp() - v_started_at, v_outcome, v_result, v_state,
        concat_ws(E'\n', v_message, nullif(v_detail, ''), nullif(v_hint, '')), v_context
    );
    UPDATE jikan_sync.job AS j SET
        last_run_at = v_now,
        last_duration = clock_timestamp() - v_started_at,
        last_outcome = v_outcome,
        failure_count = CASE WHEN v_outcome = 'failed' THEN j.failure_count + 1 ELSE 0 END
    WHERE j.name = v_job.name;
    RETURN v_outcome;
END;
$$;

COMMENT ON FUNCTION jikan_sync.run_job_locked(text, boolean) IS
'Runs a job, or says why not: answers ok, failed, running (somebody else runs it) or not due.
Raises: 22023 (no such job).';

CREATE FUNCTION jikan_sync.run_job(name text)
RETURNS text
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    SELECT jikan_sync.run_job_locked(run_job.name, false);
END;

COMMENT ON FUNCTION jikan_sync.run_job(text) IS
'Runs a job now, by hand, due or not, enabled or not: answers ok, failed (why is in
`jikan_sync.job_run`) or running (somebody else runs it). Raises: 22023 (no such job).';

CREATE FUNCTION jikan_sync.run_job_if_due(name text)
RETURNS text
LANGUAGE sql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT jikan_sync.run_job_locked(run_job_if_due.name, true);
END;

COMMENT ON FUNCTION jikan_sync.run_job_if_due(text) IS
'Runs a job if it is enabled and due, as pg_cron does: answers ok, failed, running or not due.';

CREATE FUNCTION jikan_sync.tick(max_jobs integer DEFAULT null)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_count integer := 0;
    v_name text;
BEGIN
    FOR v_name IN
        SELECT j.name
        FROM jikan_sync.job AS j
        CROSS JOIN LATERAL jikan_sync.next_due(
            j.period, j.at, coalesce(j.last_run_at, j.created_at), j.failure_count
        ) AS due (due_at)
        WHERE j.enabled AND due.due_at <= v_now
        ORDER BY due.due_at, j.name
    LOOP
        EXIT WHEN v_count >= tick.max_jobs;
        IF jikan_sync.run_job_locked(v_name, true) IN ('ok', 'failed') THEN
            v_count := v_count + 1;
        END IF;
    END LOOP;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tick(integer) IS
'Runs every job that is overdue, once, however long ago it fell due; answers how many ran. A sidecar
calls `tick(1)` until it answers 0, so that each job is a transaction of its own.';

GRANT EXECUTE ON FUNCTION jikan_sync.tick(integer) TO jikan_sidecar;

COMMIT;
