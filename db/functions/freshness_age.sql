-- Deploy pgjikan:functions/freshness_age to pg
-- requires: schema/freshness_policy
-- requires: schema/clock

-- What "stale" means, in one place: older than the policy's age for this facet and status, or never
-- synced. Exactly as old as the policy allows is still fresh.

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
            < jikan_sync.clock_now() - jikan_sync.max_age(is_stale.facet, is_stale.status),
            true
        );
END;

COMMENT ON FUNCTION jikan_sync.is_stale(text, text, timestamptz) IS
'Whether a facet that was synced then is older than its policy allows; never synced is stale.';

-- Per policy row, so that each is one range of the index on (status, last_jikan_sync).
CREATE VIEW jikan_sync.stale_core AS
SELECT
    a.id AS anime_id,
    a.mal_id,
    a.status,
    a.sync_status,
    a.members,
    a.last_jikan_sync
FROM jikan_sync.freshness_policy AS p
INNER JOIN jikan.anime AS a
    ON
        p.status = a.status
        AND a.last_jikan_sync < (SELECT jikan_sync.clock_now()) - p.max_age
WHERE p.facet = 'core' AND a.removed_at IS null
UNION ALL
SELECT
    a.id AS anime_id,
    a.mal_id,
    a.status,
    a.sync_status,
    a.members,
    a.last_jikan_sync
FROM jikan.anime AS a
WHERE
    a.removed_at IS null
    AND a.last_jikan_sync
    < (SELECT jikan_sync.clock_now()) - (SELECT jikan_sync.max_age('core', null))
    AND NOT EXISTS (
        SELECT
        FROM jikan_sync.freshness_policy AS p
        WHERE p.facet = 'core' AND p.status = a.status
    );

COMMENT ON VIEW jikan_sync.stale_core IS
'The anime whose core (title, genres, score …) is older than its policy allows.';
COMMENT ON COLUMN jikan_sync.stale_core.anime_id IS 'Our key.';
COMMENT ON COLUMN jikan_sync.stale_core.mal_id IS 'MyAnimeList''s id.';
COMMENT ON COLUMN jikan_sync.stale_core.status IS 'Its airing status, which chose the policy.';
COMMENT ON COLUMN jikan_sync.stale_core.sync_status IS 'As last marked.';
COMMENT ON COLUMN jikan_sync.stale_core.members IS 'How many have it on a list.';
COMMENT ON COLUMN jikan_sync.stale_core.last_jikan_sync IS 'When its core was last vouched for.';

COMMIT;
