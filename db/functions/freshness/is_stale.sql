-- Deploy pgjikan:functions/freshness/is_stale to pg
-- requires: schema/freshness_policy
-- requires: schema/ledger
-- requires: schema/clock

-- What "stale" means, in one place: as old as the policy for this facet and status allows, or never
-- stored. Not once is it read from a flag, and no other place reckons with ages.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.stale_at(stored_at timestamptz, max_age interval)
RETURNS timestamptz
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT jikan_sync.later(stale_at.stored_at, stale_at.max_age);
END;

COMMENT ON FUNCTION jikan_sync.stale_at(timestamptz, interval) IS
'When what was stored then goes stale: from that moment on it is. A month is 30 days.';

CREATE FUNCTION jikan_sync.max_age(facet text, status text)
RETURNS interval
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT p.max_age
    FROM jikan_sync.freshness_policy AS p
    WHERE p.facet = max_age.facet AND (p.status = max_age.status OR p.status IS null)
    ORDER BY p.status NULLS LAST
    LIMIT 1;
END;

COMMENT ON FUNCTION jikan_sync.max_age(text, text) IS
'How old a facet of an anime of this status may be; NULL for an unknown facet.';

CREATE FUNCTION jikan_sync.is_stale(facet text, status text, stored_at timestamptz)
RETURNS boolean
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        coalesce(
            jikan_sync.stale_at(
                is_stale.stored_at, jikan_sync.max_age(is_stale.facet, is_stale.status)
            ) <= jikan_sync.clock_now(),
            true
        );
END;

COMMENT ON FUNCTION jikan_sync.is_stale(text, text, timestamptz) IS
'Whether a facet that was stored then is as old as its policy allows; never stored is stale.';

CREATE FUNCTION jikan_sync.freshness(facet text, status text, stored_at timestamptz)
RETURNS text
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        CASE
            WHEN freshness.stored_at IS null THEN 'never'
            WHEN jikan_sync.is_stale(freshness.facet, freshness.status, freshness.stored_at)
                THEN 'stale'
            ELSE 'fresh'
        END;
END;

COMMENT ON FUNCTION jikan_sync.freshness(text, text, timestamptz) IS
'The freshness of a facet that was stored then: fresh, stale or never.';

-- For many titles at once: stale is what was stored at or before `stale_before`, which says the
-- same as `stale_at`, and a row of the ledger then costs one comparison.
CREATE FUNCTION jikan_sync.stale_thresholds(facet text, ahead interval DEFAULT '0')
RETURNS TABLE (status text, stale_before timestamptz)
LANGUAGE sql
STABLE
ROWS 4
BEGIN ATOMIC
    SELECT
        s.status,
        jikan_sync.earlier(
            jikan_sync.later(jikan_sync.clock_now(), stale_thresholds.ahead),
            jikan_sync.max_age(stale_thresholds.facet, s.status)
        )
    FROM (
        VALUES ('Finished Airing'), ('Currently Airing'), ('Not yet aired'), ('')
    ) AS s (status)
    -- Else the planner reckons them anew for each row that is compared: 0.4 s for a catalogue.
    OFFSET 0;  -- noqa: AM09
END;

COMMENT ON FUNCTION jikan_sync.stale_thresholds(text, interval) IS
'Per status (of any other: the empty one) the moment at or before which what was stored is stale
now, or will be before `ahead` has passed.';

CREATE FUNCTION jikan_sync.status_class(status text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        CASE
            WHEN status_class.status IN ('Finished Airing', 'Currently Airing', 'Not yet aired')
                THEN status_class.status
            ELSE ''
        END;
END;

COMMENT ON FUNCTION jikan_sync.status_class(text) IS
'The status that policies know, or the empty one: the key of `jikan_sync.stale_thresholds`.';

CREATE FUNCTION jikan_sync.stale_core(ahead interval DEFAULT '0')
RETURNS TABLE (mal_id integer, status text, stored_at timestamptz)
LANGUAGE sql
STABLE
ROWS 1000
BEGIN ATOMIC
    SELECT
        l.mal_id,
        l.status,
        l.stored_at
    FROM jikan_sync.ledger AS l
    INNER JOIN jikan_sync.stale_thresholds('core', stale_core.ahead) AS t
        ON t.status = jikan_sync.status_class(l.status)
    WHERE
        l.facet = 'core'
        AND l.stored_at <= t.stale_before
        AND l.not_before < 'infinity';
END;

COMMENT ON FUNCTION jikan_sync.stale_core(interval) IS
'The mirrored titles whose core (title, genres, score …) is as old as its policy allows, or will be
before `ahead` has passed; not those confirmed gone.';

COMMIT;
