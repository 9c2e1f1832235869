-- Deploy pgjikan:functions/upstream/report_request to pg
-- requires: schema/request_stat
-- requires: functions/upstream/reserve_request

-- What became of a request, for breaker, limiter and statistics. What becomes of the task is the
-- queue's business; the answer here only says when trying again makes sense.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.report_failure(
    provider text,
    subject text,
    is_list boolean,
    is_silence boolean,
    reason text
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_window interval := jikan_sync.setting_interval('breaker_window');
    v_probe_at timestamptz := jikan_sync.later(
        v_now, jikan_sync.setting_interval('breaker_probe_after')
    );
    v_state text;
BEGIN
    -- First the breaker, whose row lock makes reports come one after the other.
    INSERT INTO jikan_sync.breaker AS b (provider, doubted_until, last_failure, last_failure_at)
    VALUES (
        report_failure.provider,
        CASE WHEN is_silence THEN v_probe_at END,
        reason,
        v_now
    )
    ON CONFLICT ON CONSTRAINT breaker_pkey DO UPDATE
    SET
        doubted_until = coalesce(excluded.doubted_until, b.doubted_until),
        last_failure = excluded.last_failure,
        last_failure_at = excluded.last_failure_at
    RETURNING b.state INTO v_state;

    DELETE FROM jikan_sync.breaker_failure AS f
    WHERE f.provider = report_failure.provider
        AND f.failed_at <= jikan_sync.earlier(v_now, v_window);

    INSERT INTO jikan_sync.breaker_failure AS f (provider, subject, failed_at)
    VALUES (report_failure.provider, report_failure.subject, v_now)
    ON CONFLICT ON CONSTRAINT breaker_failure_pkey DO UPDATE
    SET
        failed_at = excluded.failed_at,
        weight = CASE WHEN f.is_current THEN f.weight + is_list::integer ELSE 1 END,
        is_current = true;

    IF v_state = 'half_open'
        OR v_state = 'closed' AND jikan_sync.setting_number('breaker_failures') <= (
            SELECT sum(f.weight)
            FROM jikan_sync.breaker_failure AS f
            WHERE f.provider = report_failure.provider
                AND f.is_current
        )
    THEN
        UPDATE jikan_sync.breaker AS b
        SET
            state = 'open',
            opened_at = coalesce(b.opened_at, v_now),
            probe_at = v_probe_at
        WHERE b.provider = report_failure.provider;
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.report_failure(text, text, boolean, boolean, text) IS
'Counts a failure of a provider at `subject`; enough of them open its breaker, and a failed canary
opens it again. `is_list`: each failure counts, not each subject; `is_silence`: no answer came at
all, so others go first for a moment.';

CREATE FUNCTION jikan_sync.report_request(
    provider text,
    outcome text,
    task text,
    subject text,
    status integer DEFAULT NULL,
    retry_after interval DEFAULT NULL,
    elapsed_ms double precision DEFAULT NULL,
    bytes integer DEFAULT NULL,
    is_keyed boolean DEFAULT FALSE
)
RETURNS interval
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_subject text := jikan_sync.limit_subject(report_request.provider, report_request.is_keyed);
BEGIN
    IF outcome IS NULL OR outcome NOT IN (
        'ok', 'not_found', 'not_yet', 'rate_limited', 'rejected',
        'upstream_error', 'transport_error', 'invalid'
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('"%s" is no outcome of a request', outcome);
    END IF;

    INSERT INTO jikan_sync.request_stat AS s (
        hour, provider, task, outcome, request_count, byte_count, elapsed, last_at
    )
    VALUES (
        date_trunc('hour', jikan_sync.clock_now(), 'UTC'),
        report_request.provider,
        coalesce(report_request.task, 'none'),
        report_request.outcome,
        1,
        coalesce(bytes, 0),
        coalesce(elapsed_ms, 0) * interval '1 ms',
        jikan_sync.clock_now()
    )
    ON CONFLICT ON CONSTRAINT request_stat_pkey DO UPDATE
    SET
        request_count = s.request_count + 1,
        byte_count = s.byte_count + excluded.byte_count,
        elapsed = s.elapsed + excluded.elapsed,
        last_at = excluded.last_at;

    IF NOT EXISTS (
        SELECT FROM jikan_sync.provider AS p WHERE p.name = report_request.provider
    ) THEN
        RETURN NULL;  -- removed while the request was under way
    END IF;

    IF outcome IN ('upstream_error', 'transport_error', 'invalid') THEN
        PERFORM jikan_sync.report_failure(
            report_request.provider,
            coalesce(report_request.subject, report_request.task, 'none'),
            task IS NULL OR task IN ('season', 'catalogue'),
            outcome = 'transport_error',
            concat_ws(' ', outcome, status)
        );
    ELSE
        -- It answered, so it is there: whoever asked, and whatever it said.
        UPDATE jikan_sync.breaker AS b
        SET
            state = 'closed',
            opened_at = NULL,
            probe_at = NULL,
            doubted_until = NULL
        WHERE b.provider = report_request.provider
            AND (b.state <> 'closed' OR b.doubted_until IS NOT NULL);
        UPDATE jikan_sync.breaker_failure AS f
        SET is_current = false
        WHERE f.provider = report_request.provider
            AND f.is_current;
        IF outcome = 'rate_limited' THEN
            PERFORM jikan_sync.slow_rate(v_subject, retry_after);
        END IF;
    END IF;

    -- Whether it is worth trying again at once: only if that would be somewhere else.
    RETURN CASE
        WHEN outcome IN ('ok', 'not_found', 'rejected') THEN NULL
        WHEN outcome = 'not_yet' THEN retry_after
        WHEN EXISTS (
            SELECT
            FROM jikan_sync.provider AS p
            WHERE p.enabled
                AND p.name <> report_request.provider
                AND jikan_sync.upstream_available(p.name)
                AND NOT EXISTS (
                    SELECT
                    FROM jikan_sync.breaker_failure AS f
                    WHERE f.provider = p.name
                        AND f.subject = report_request.subject
                        AND f.failed_at
                        > (SELECT jikan_sync.ago(jikan_sync.setting_interval('breaker_window')))
                )
        ) THEN interval '0'
        WHEN outcome = 'rate_limited' THEN jikan_sync.rate_wait(v_subject)
        ELSE (
            SELECT b.probe_at - jikan_sync.clock_now()
            FROM jikan_sync.breaker AS b
            WHERE b.provider = report_request.provider
                AND b.state = 'open'
        )
    END;
END;
$$;

COMMENT ON FUNCTION jikan_sync.report_request(
    text, text, text, text, integer, interval, double precision, integer, boolean
) IS
'Reports what became of a request for `task` and `subject` (`anime:5`): a 429 slows the provider for
those who ask it with a key (`is_keyed`), or for those without; failures may open its breaker, any
answer closes it. Answers how soon to try again: 0 where another
provider stands ready, the pause after a 429, what a gateway says that lacks this one yet, the time to the next canary while the breaker is open,
NULL where the queue''s own backoff should decide. Raises: 22023 (no such outcome).';

GRANT EXECUTE ON FUNCTION jikan_sync.report_request(
    text, text, text, text, integer, interval, double precision, integer, boolean
) TO jikan_sidecar;

COMMIT;
