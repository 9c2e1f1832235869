-- Deploy pgjikan:functions/upstream/reserve_rate to pg
-- requires: schema/rate_limit
-- requires: functions/upstream/heeded

-- The limiter: who wants to ask an upstream reserves a moment in all of its windows at once and is
-- told how long to wait for it. Reservations are spaced, and a 429 pauses the subject and slows it.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.recovered_pace(
    pace double precision,
    slowed_at timestamptz,
    moment timestamptz
)
RETURNS double precision
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        least(
            1,
            recovered_pace.pace
            + extract(EPOCH FROM recovered_pace.moment - recovered_pace.slowed_at)
            / extract(EPOCH FROM jikan_sync.setting_interval('rate_recovery'))
        );
END;

COMMENT ON FUNCTION jikan_sync.recovered_pace(double precision, timestamptz, timestamptz) IS
'What share of the full pace holds at `moment`, when a 429 lowered it to `pace` at `slowed_at`.';

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
        / jikan_sync.recovered_pace(window_row.pace, window_row.slowed_at, moment);
END;
$$;

COMMENT ON FUNCTION jikan_sync.rate_spacing(jikan_sync.rate_limit, timestamptz) IS
'How far apart two units of a window are at `moment`, so that no sliding window ever holds more
than is allowed, burst and jitter counted; longer while a 429 is remembered.';

CREATE FUNCTION jikan_sync.rate_wait(subject text, costs jsonb DEFAULT NULL)
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
                        -- What comes at once must be there at once: units that are owed would
                        -- stand in one sliding window with those that earned them.
                        jikan_sync.earlier(
                            r.tat,
                            (r.burst - least(r.burst, greatest((costs ->> r.unit)::numeric, 1)))
                            ::double precision * jikan_sync.rate_spacing(r, v_now)
                        ),
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

COMMENT ON FUNCTION jikan_sync.rate_wait(text, jsonb) IS
'How long a reservation of `costs` ({"request": 1, "token": 900}; NULL: of one unit) would have to
wait now; nothing is reserved.';

CREATE FUNCTION jikan_sync.rate_pace(subject text)
RETURNS double precision
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        coalesce(
            min(jikan_sync.recovered_pace(r.pace, r.slowed_at, jikan_sync.clock_now())), 1
        )
    FROM jikan_sync.rate_limit AS r
    WHERE r.subject = rate_pace.subject;
END;

COMMENT ON FUNCTION jikan_sync.rate_pace(text) IS
'Share of the full pace at which a subject is asked now; 1 but for a while after a 429.';

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
    v_wait := jikan_sync.rate_wait(subject, costs);
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

    v_wait := jikan_sync.rate_wait(subject, costs);
    IF v_wait > max_wait THEN
        RETURN v_wait;
    END IF;

    v_now := jikan_sync.clock_now();
    UPDATE jikan_sync.rate_limit AS r
    SET
        tat = jikan_sync.later(
            greatest(r.tat, jikan_sync.later(v_now, v_wait)),
            (costs ->> r.unit)::double precision * jikan_sync.rate_spacing(r, v_now)
        )
    WHERE r.subject = reserve_rate.subject
        AND costs ? r.unit;
    RETURN v_wait;
END;
$$;

COMMENT ON FUNCTION jikan_sync.reserve_rate(text, jsonb, interval) IS
'Reserves `costs` ({"request": 1, "token": 900}) in every window of `subject` and answers how long
to wait before using it; 0 is now. Where that is longer than `max_wait` nothing is reserved. A
subject without windows is unlimited. No more units of a kind than its window''s `burst` keep within
what is allowed. Raises: 22023 (negative cost).';

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
        paused_until = greatest(r.paused_until, jikan_sync.later(v_now, v_pause)),
        -- Requests under way when the first 429 came may bring more: that is one event.
        pace = CASE
            WHEN v_now - r.slowed_at < jikan_sync.setting_interval('rate_pause') THEN r.pace
            ELSE greatest(
                jikan_sync.setting_number('rate_pace_min')::double precision,
                jikan_sync.recovered_pace(r.pace, r.slowed_at, v_now) / 2
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
