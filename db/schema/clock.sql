-- Deploy pgjikan:schema/clock to pg
-- requires: schema/namespaces

-- One clock for every rule about time, so that each rule can be tested without waiting. The table
-- is empty in production: clock_now() is then the server's time. Only the owner may set it.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.clock (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    frozen_at timestamptz NOT NULL
);

COMMENT ON TABLE jikan_sync.clock IS
'Empty: rules read the server''s clock. One row: rules read `frozen_at` instead (tests only).';
COMMENT ON COLUMN jikan_sync.clock.is_only IS 'Always true: there is at most one row.';
COMMENT ON COLUMN jikan_sync.clock.frozen_at IS 'What `jikan_sync.clock_now()` answers.';

CREATE FUNCTION jikan_sync.clock_now()
RETURNS timestamptz
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN coalesce((SELECT c.frozen_at FROM jikan_sync.clock AS c), clock_timestamp());
END;
$$;

COMMENT ON FUNCTION jikan_sync.clock_now() IS
'The time that every rule reads: the server''s, or the one that `jikan_sync.clock_set` froze.
In a row filter write `(SELECT jikan_sync.clock_now())`, so that a statement asks once.';

CREATE FUNCTION jikan_sync.later(moment timestamptz, span interval)
RETURNS timestamptz
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        (
            later.moment AT TIME ZONE 'UTC'
            + make_interval(secs => extract(EPOCH FROM later.span)::double precision)
        ) AT TIME ZONE 'UTC';
END;

COMMENT ON FUNCTION jikan_sync.later(timestamptz, interval) IS
'`moment` plus `span`, reckoned in UTC whatever the session''s time zone: a day is 24 hours, a month
30 days. Every rule adds time with this or `jikan_sync.earlier`, never with + or -.';

CREATE FUNCTION jikan_sync.earlier(moment timestamptz, span interval)
RETURNS timestamptz
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        (
            earlier.moment AT TIME ZONE 'UTC'
            - make_interval(secs => extract(EPOCH FROM earlier.span)::double precision)
        ) AT TIME ZONE 'UTC';
END;

COMMENT ON FUNCTION jikan_sync.earlier(timestamptz, interval) IS
'`moment` minus `span`, reckoned in UTC: see `jikan_sync.later`.';

CREATE FUNCTION jikan_sync.ago(span interval)
RETURNS timestamptz
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT jikan_sync.earlier(jikan_sync.clock_now(), ago.span);
END;

COMMENT ON FUNCTION jikan_sync.ago(interval) IS
'The moment `span` before now. In a row filter write `(SELECT jikan_sync.ago(…))`, so that a
statement asks once.';

CREATE FUNCTION jikan_sync.is_over_time()
RETURNS boolean
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    SELECT
        t.time_limit > interval '0'
        AND clock_timestamp() - statement_timestamp() >= t.time_limit
    FROM (SELECT current_setting('statement_timeout')::interval AS time_limit) AS t;
END;

COMMENT ON FUNCTION jikan_sync.is_over_time() IS
'Whether the statement under way has used up its `statement_timeout`: if so, query_canceled is that,
and what it worked at is to blame; if not, somebody cancelled it.';

CREATE FUNCTION jikan_sync.clock_set(at timestamptz)
RETURNS void
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    INSERT INTO jikan_sync.clock (frozen_at)
    VALUES (clock_set.at)
    ON CONFLICT (is_only) DO UPDATE SET frozen_at = excluded.frozen_at;
END;

COMMENT ON FUNCTION jikan_sync.clock_set(timestamptz) IS
'Freezes the clock of all rules at `at`, for every session, from COMMIT on (owner only; for
tests).';

CREATE FUNCTION jikan_sync.clock_advance(step interval)
RETURNS timestamptz
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    INSERT INTO jikan_sync.clock AS c (frozen_at)
    VALUES (jikan_sync.later(jikan_sync.clock_now(), clock_advance.step))
    ON CONFLICT (is_only) DO UPDATE
        SET frozen_at = jikan_sync.later(c.frozen_at, clock_advance.step)
    RETURNING c.frozen_at;
END;

COMMENT ON FUNCTION jikan_sync.clock_advance(interval) IS
'Moves the frozen clock by `step` (freezing it first where it runs) and answers the new time.';

CREATE FUNCTION jikan_sync.clock_reset()
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM jikan_sync.clock;
END;
$$;

COMMENT ON FUNCTION jikan_sync.clock_reset() IS
'Lets the clock run again with the server''s time.';

COMMIT;
