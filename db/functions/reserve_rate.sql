-- Deploy pgjikan:functions/reserve_rate to pg
-- requires: schema/rate_limit

-- The limiter: who wants to ask an upstream reserves a moment in all of its windows at once and is
-- told how long to wait for it. Reservations are spaced, and a 429 pauses the subject and slows it.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.rate_spacing(window_row jikan_sync.rate_limit, moment timestamptz)
RETURNS interval
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (window_row.period + jikan_sync.setting_interval('rate_jitter'))
        / (
            window_row.allowed::double precision
            * (1 - jikan_sync.setting_number('rate_headroom')::double precision)
            - window_row.burst::double precision + 1
        )
        / least(
            1,
            window_row.pace
            + extract(EPOCH FROM moment - window_row.slowed_at)
            / extract(EPOCH FROM jikan_sync.setting_interval('rate_recovery'))
        );
END;
$$;

COMMENT ON FUNCTION jikan_sync.rate_spacing(jikan_sync.rate_limit, timestamptz) IS
'How far apart two units of a window are at `moment`, so that no sliding window ever holds more
than is allowed, burst and jitter counted; longer while a 429 is remembered.';

CREATE FUNCTION jikan_sync.rate_wait(subject text)
RETURNS interval
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
BEGIN
    RETURN (
        SELECT
            coalesce(
                max(
                    greatest(
                        r.tat - (r.burst - 1)::double precision * jikan_sync.rate_spacing(r, v_now),
                        r.paused_until,
                        v_now
                    ) - v_now
                ),
                interval '0'
            )
        FROM jikan_sync.rate_limit AS r
        WHERE r.subject = rate_wait.subject
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.rate_wait(text) IS
'How long a reservation would have to wait now; nothing is reserved.';

CREATE FUNCTION jikan_sync.reserve_rate(
    subject text,
    costs jsonb,
    max_wait interval DEFAULT interval '1 minute'
)
RETURNS interval
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz;
    v_wait interval;
BEGIN
    IF EXISTS (SELECT FROM jsonb_each_text(costs) AS c WHERE c.value::numeric < 0) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('a cost cannot be negative: %s', costs);
    END IF;

    -- Moments only move away, so too long a wait needs no lock to be true.
    v_wait := jikan_sync.rate_wait(subject);
    IF v_wait > max_wait THEN
        RETURN v_wait;
    END IF;

    -- The others wait here, at the first row. The next statement has a snapshot of its own, so it
    -- sees what they took; read and write in one statement would work on what was before the wait.
    PERFORM
    FROM jikan_sync.rate_limit AS r
    WHERE r.subject = reserve_rate.subject
    ORDER BY r.unit, r.period
    FOR UPDATE;

    v_wait := jikan_sync.rate_wait(subject);
    IF v_wait > max_wait THEN
        RETURN v_wait;
    END IF;

    v_now := jikan_sync.clock_now();
    UPDATE jikan_sync.rate_limit AS r
    SET
        tat = greatest(r.tat, v_now + v_wait)
            + (costs ->> r.unit)::double precision * jikan_sync.rate_spacing(r, v_now)
    WHERE r.subject = reserve_rate.subject
        AND costs ? r.unit;
    RETURN v_wait;
END;
$$;

COMMENT ON FUNCTION jikan_sync.reserve_rate(text, jsonb, interval) IS
'Reserves `costs` ({"request": 1, "token": 900}) in every window of `subject` and answers how long
to wait before using it; 0 is now. Where that is longer than `max_wait` nothing is reserved. A
subject without windows is unlimited. Raises: 22023 (negative cost).';

CREATE FUNCTION jikan_sync.slow_rate(subject text, retry_after interval DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz;
    v_pause interval := greatest(
        coalesce(jikan_sync.heeded(retry_after), jikan_sync.setting_interval('rate_pause')),
        interval '1 second'
    );
BEGIN
    -- A subject without limits has some after all. A hundred a second only gives the pause a place.
    INSERT INTO jikan_sync.rate_limit (subject, unit, period, allowed)
    SELECT slow_rate.subject, 'request', interval '1 second', 100
    WHERE NOT EXISTS (
        SELECT FROM jikan_sync.rate_limit AS r WHERE r.subject = slow_rate.subject
    )
    ON CONFLICT ON CONSTRAINT rate_limit_pkey DO NOTHING;

    PERFORM
    FROM jikan_sync.rate_limit AS r
    WHERE r.subject = slow_rate.subject
    ORDER BY r.unit, r.period
    FOR UPDATE;

    v_now := jikan_sync.clock_now();
    UPDATE jikan_sync.rate_limit AS r
    SET
        paused_until = greatest(r.paused_until, v_now + v_pause),
        -- Requests under way when the first 429 came may bring more: that is one event.
        pace = CASE
            WHEN v_now - r.slowed_at < jikan_sync.setting_interval('rate_pause') THEN r.pace
            ELSE greatest(
                jikan_sync.setting_number('rate_pace_min')::double precision,
                least(
                    1,
                    r.pace + extract(EPOCH FROM v_now - r.slowed_at)
                        / extract(EPOCH FROM jikan_sync.setting_interval('rate_recovery'))
                ) / 2
            )
        END,
        slowed_at = CASE
            WHEN v_now - r.slowed_at < jikan_sync.setting_interval('rate_pause') THEN r.slowed_at
            ELSE v_now
        END
    WHERE r.subject = slow_rate.subject;
END;
$$;

COMMENT ON FUNCTION jikan_sync.slow_rate(text, interval) IS
'After a 429: nothing more of `subject` for `retry_after` (or the setting `rate_pause`), then at
half the pace, which grows back by the clock (`rate_recovery`).';

COMMIT;
