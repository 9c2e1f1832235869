-- Deploy pgjikan:functions/queue/fail to pg
-- requires: schema/queue
-- requires: schema/retry_policy
-- requires: schema/clock
-- requires: schema/sync_run
-- requires: functions/queue/note_history
-- requires: functions/queue/give_back
-- requires: functions/freshness/ledger
-- requires: functions/upstream/heeded

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

CREATE FUNCTION jikan_sync.bury(task jikan_sync.queue, reason text, message text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF task.task IN ('anime', 'facet') THEN
        PERFORM jikan_sync.note_answer(
            coalesce(task.payload ->> 'facet', 'core'), task.mal_id, 'dead'
        );
    END IF;
    INSERT INTO jikan_sync.dead_letter (
        id, task, anime_id, mal_id, payload, priority, dedupe_key, created_at, died_at, attempts,
        reason, message, errors
    )
    VALUES (
        task.id, task.task, task.anime_id, task.mal_id, task.payload, task.priority,
        task.dedupe_key, task.created_at, jikan_sync.clock_now(), task.attempts, bury.reason,
        bury.message, task.errors
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
    DELETE FROM jikan_sync.queue AS q WHERE q.id = task.id;
    -- A walk stands still without its page, and says so; a job takes it up again.
    UPDATE jikan_sync.sync_run AS r SET
        state = 'stalled',
        stalled_at = jikan_sync.clock_now()
    WHERE r.id = (task.payload ->> 'run_id')::bigint
        AND r.state = 'running';
END;
$$;

COMMENT ON FUNCTION jikan_sync.bury(jikan_sync.queue, text, text) IS
'Makes a task a dead letter; the ledger lets nobody ask for the same for a while, and a walk whose
page it was is stalled.';

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
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_message text := left(coalesce(fail.message, ''), 1000);
    v_policy jikan_sync.retry_policy;
    v_task jikan_sync.queue;
    v_failures integer;
    v_is_dead boolean;
BEGIN
    SELECT p.* INTO v_policy
    FROM jikan_sync.retry_policy AS p
    WHERE p.error_class = fail.error_class;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('no such error class: %L', fail.error_class),
            HINT = 'SELECT error_class FROM jikan_sync.retry_policy;';
    END IF;

    -- The ledger's row before the queue's, as everywhere.
    PERFORM
    FROM jikan_sync.ledger AS l
    INNER JOIN jikan_sync.queue AS q
        ON q.mal_id = l.mal_id
        AND l.facet = coalesce(q.payload ->> 'facet', 'core')
    WHERE q.id = fail.task_id
        AND q.task IN ('anime', 'facet')
    FOR UPDATE OF l;
    SELECT q.* INTO v_task
    FROM jikan_sync.queue AS q
    WHERE q.id = fail.task_id AND q.lease_token = fail.lease_token
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'lost';
    END IF;

    v_failures := v_task.failures;
    v_task.attempts := v_task.attempts + (v_policy.max_attempts IS NOT NULL)::integer;
    v_task.failures := v_task.failures + 1;
    v_task.errors := v_task.errors || jsonb_build_object(
        'at', v_now, 'class', fail.error_class, 'message', v_message
    );
    IF jsonb_array_length(v_task.errors) > 20 THEN
        v_task.errors := v_task.errors - 0;
    END IF;
    -- A task that was asked for again meanwhile is another task now: it starts afresh.
    v_is_dead := coalesce(v_task.attempts >= v_policy.max_attempts, false) AND NOT v_task.is_dirty;
    PERFORM jikan_sync.note_history(
        ARRAY[v_task], CASE WHEN v_is_dead THEN 'dead' ELSE 'failed' END, fail.error_class, v_message
    );
    IF v_is_dead THEN
        PERFORM jikan_sync.bury(v_task, fail.error_class, v_message);
        RETURN 'dead';
    END IF;

    UPDATE jikan_sync.queue AS q SET
        ready_at = jikan_sync.later(
            v_now,
            coalesce(
                jikan_sync.heeded(fail.retry_after) * (1 + 0.1 * random()),
                jikan_sync.retry_delay(
                    fail.error_class, CASE WHEN v_task.is_dirty THEN 1 ELSE v_failures + 1 END
                )
            )
        ),
        attempts = CASE WHEN v_task.is_dirty THEN 0 ELSE v_task.attempts END,
        failures = CASE WHEN v_task.is_dirty THEN 0 ELSE v_task.failures END,
        errors = v_task.errors
    WHERE q.id = v_task.id;
    PERFORM jikan_sync.give_back(ARRAY[task_id], ARRAY[lease_token]);
    RETURN 'retry';
END;
$$;

COMMENT ON FUNCTION jikan_sync.fail(bigint, uuid, text, text, interval) IS
'Gives a leased task back as failed, with a class of `jikan_sync.retry_policy`: answers retry, dead
(it became a dead letter) or lost (the lease was). `retry_after`, where the provider named one,
replaces the policy''s wait, up to the setting `rate_pause_max`. Raises: 22023 (no such class).';

GRANT EXECUTE ON FUNCTION jikan_sync.fail(bigint, uuid, text, text, interval) TO jikan_sidecar;

COMMIT;
