-- Deploy pgjikan:functions/fail to pg
-- requires: schema/queue
-- requires: schema/retry_policy
-- requires: schema/clock

-- How a task ends badly: it waits by the policy of its error class, or becomes a dead letter with
-- its history after the last attempt. Only the holder of the lease may say so; a lease that ran out
-- is a failure too, told by the sweep.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.retry_delay(error_class text, failures integer)
RETURNS interval
LANGUAGE sql
VOLATILE
STRICT
BEGIN ATOMIC
    SELECT
        -- The exponent is bounded before the power, or a long outage overflows.
        least(
            extract(EPOCH FROM p.max_delay)::double precision,
            extract(EPOCH FROM p.base_delay)::double precision
            * power(p.factor::double precision, least(retry_delay.failures, 100) - 1)
        )
        * (0.75 + 0.5 * random()) * interval '1 second'
    FROM jikan_sync.retry_policy AS p
    WHERE p.error_class = retry_delay.error_class;
END;

COMMENT ON FUNCTION jikan_sync.retry_delay(text, integer) IS
'How long a task waits after its `failures`-th failure, of this class: exponential, with jitter.';

CREATE FUNCTION jikan_sync.fail_leased(
    task_id bigint, error_class text, message text, retry_after interval
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_policy jikan_sync.retry_policy;
    v_task jikan_sync.queue;
    v_attempts integer;
    v_errors jsonb;
    v_is_dead boolean;
    v_delay interval;
BEGIN
    SELECT p.* INTO v_policy
    FROM jikan_sync.retry_policy AS p
    WHERE p.error_class = fail_leased.error_class;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('no such error class: %L', fail_leased.error_class),
            HINT = 'SELECT error_class FROM jikan_sync.retry_policy;';
    END IF;
    SELECT q.* INTO STRICT v_task FROM jikan_sync.queue AS q WHERE q.id = task_id FOR UPDATE;

    v_attempts := v_task.attempts + (v_policy.max_attempts IS NOT NULL)::integer;
    v_errors := v_task.errors || jsonb_build_object(
        'at', v_now, 'class', fail_leased.error_class, 'message', left(fail_leased.message, 1000)
    );
    IF jsonb_array_length(v_errors) > 20 THEN
        v_errors := v_errors - 0;
    END IF;
    -- A task that was asked for again meanwhile is another task now: it starts afresh.
    v_is_dead := coalesce(v_attempts >= v_policy.max_attempts, false) AND NOT v_task.is_dirty;

    INSERT INTO jikan_sync.queue_history (
        task_id, task, mal_id, payload, priority, created_at, processed_at, outcome,
        error_class, message, worker
    )
    VALUES (
        v_task.id, v_task.task, v_task.mal_id, v_task.payload, v_task.priority,
        v_task.created_at, v_now, CASE WHEN v_is_dead THEN 'dead' ELSE 'failed' END,
        fail_leased.error_class, left(fail_leased.message, 1000), v_task.leased_by
    );

    IF v_is_dead THEN
        INSERT INTO jikan_sync.dead_letter (
            id, task, anime_id, mal_id, payload, priority, dedupe_key, created_at, died_at,
            attempts, reason, message, errors
        )
        VALUES (
            v_task.id, v_task.task, v_task.anime_id, v_task.mal_id, v_task.payload,
            v_task.priority, v_task.dedupe_key, v_task.created_at, v_now,
            v_attempts, fail_leased.error_class, left(fail_leased.message, 1000), v_errors
        )
        ON CONFLICT (dedupe_key) DO UPDATE SET
            id = excluded.id,
            anime_id = excluded.anime_id,
            payload = excluded.payload,
            priority = excluded.priority,
            created_at = excluded.created_at,
            died_at = excluded.died_at,
            attempts = excluded.attempts,
            reason = excluded.reason,
            message = excluded.message,
            errors = excluded.errors;
        DELETE FROM jikan_sync.queue AS q WHERE q.id = v_task.id;
        RETURN 'dead';
    END IF;

    v_delay := coalesce(
        jikan_sync.heeded(fail_leased.retry_after) * (1 + 0.1 * random()),
        jikan_sync.retry_delay(
            fail_leased.error_class, CASE WHEN v_task.is_dirty THEN 1 ELSE v_task.failures + 1 END
        )
    );
    UPDATE jikan_sync.queue AS q SET
        payload = coalesce(q.next_payload, q.payload),
        next_payload = NULL,
        ready_at = v_now + v_delay,
        attempts = CASE WHEN v_task.is_dirty THEN 0 ELSE v_attempts END,
        failures = CASE WHEN v_task.is_dirty THEN 0 ELSE v_task.failures + 1 END,
        errors = v_errors,
        is_dirty = false,
        leased_by = NULL,
        lease_token = NULL,
        lease_expires_at = NULL
    WHERE q.id = v_task.id;
    RETURN 'retry';
END;
$$;

COMMENT ON FUNCTION jikan_sync.fail_leased(bigint, text, text, interval) IS
'Fails a task whose lease the caller has checked: answers retry or dead. Raises: 22023.';

CREATE FUNCTION jikan_sync.fail(
    task_id bigint,
    lease_token uuid,
    error_class text,
    message text,
    retry_after interval DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM jikan_sync.queue AS q
    WHERE q.id = fail.task_id AND q.lease_token = fail.lease_token
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'lost';
    END IF;
    RETURN jikan_sync.fail_leased(
        fail.task_id, fail.error_class, coalesce(fail.message, ''), fail.retry_after
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.fail(bigint, uuid, text, text, interval) IS
'Gives a leased task back as failed, with a class of `jikan_sync.retry_policy`: answers retry, dead
(it became a dead letter) or lost (the lease was). `retry_after`, where the provider named one,
replaces the policy''s wait, up to the setting `rate_pause_max`. Raises: 22023 (no such class).';

GRANT EXECUTE ON FUNCTION jikan_sync.fail(bigint, uuid, text, text, interval) TO jikan_sidecar;

COMMIT;
