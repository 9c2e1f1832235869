-- Deploy pgjikan:functions/freshness_age to pg
-- requires: schema/freshness_policy
-- requires: schema/clock

-- What "stale" means, in one place: as old as the policy for this facet and status allows, or
-- never synced. Not once is it read from a flag.

BEGIN;

SET LOCAL ROLE jikan_owner;

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

CREATE FUNCTION jikan_sync.is_stale(facet text, status text, synced_at timestamptz)
RETURNS boolean
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        coalesce(
            is_stale.synced_at
            <= jikan_sync.clock_now() - jikan_sync.max_age(is_stale.facet, is_stale.status),
            true
        );
END;

COMMENT ON FUNCTION jikan_sync.is_stale(text, text, timestamptz) IS
'Whether a facet that was synced then is as old as its policy allows; never synced is stale.';

-- Per policy row, so that each is one range of the index on (status, last_jikan_sync).
CREATE FUNCTION jikan_sync.stale_core(ahead interval DEFAULT '0')
RETURNS TABLE (
    anime_id bigint,
    mal_id integer,
    status text,
    sync_status text,
    members integer,
    last_jikan_sync timestamptz
)
LANGUAGE sql
STABLE
ROWS 1000
BEGIN ATOMIC
    SELECT
        a.id,
        a.mal_id,
        a.status,
        a.sync_status,
        a.members,
        a.last_jikan_sync
    FROM jikan_sync.freshness_policy AS p
    INNER JOIN jikan.anime AS a
        ON
            p.status = a.status
            AND a.last_jikan_sync
            <= (SELECT jikan_sync.clock_now()) + stale_core.ahead - p.max_age
    WHERE p.facet = 'core' AND a.removed_at IS null
    UNION ALL
    SELECT
        a.id,
        a.mal_id,
        a.status,
        a.sync_status,
        a.members,
        a.last_jikan_sync
    FROM jikan.anime AS a
    WHERE
        a.removed_at IS null
        AND a.last_jikan_sync
        <= (SELECT jikan_sync.clock_now() - jikan_sync.max_age('core', null)) + stale_core.ahead
        AND NOT EXISTS (
            SELECT
            FROM jikan_sync.freshness_policy AS p
            WHERE p.facet = 'core' AND p.status = a.status
        );
END;

COMMENT ON FUNCTION jikan_sync.stale_core(interval) IS
'The anime whose core (title, genres, score …) is older than its policy allows, or will be so before
`ahead` has passed.';

COMMIT;
