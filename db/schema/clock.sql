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
    VALUES (jikan_sync.clock_now() + clock_advance.step)
    ON CONFLICT (is_only) DO UPDATE SET frozen_at = c.frozen_at + clock_advance.step
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
