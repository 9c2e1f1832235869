-- Deploy pgjikan:schema/facet_freshness to pg
-- requires: schema/anime
-- requires: functions/freshness/is_stale

-- How each facet of a mirrored title stands, for whoever reads one title: one descent of the
-- ledger's key, and the policies beside it.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE VIEW jikan_sync.facet_freshness AS
SELECT
    a.mal_id,
    f.name AS facet,
    f.position,
    f.is_asked_by_get,
    l.stored_at,
    l.not_before,
    coalesce(f.brought_by, f.name) AS route,
    CASE
        WHEN l.stored_at IS NULL THEN 'never'
        WHEN
            jikan_sync.stale_at(l.stored_at, coalesce(s.max_age, p.max_age))
            <= (SELECT jikan_sync.clock_now())
            THEN 'stale'
        ELSE 'fresh'
    END AS freshness
FROM jikan.anime AS a
CROSS JOIN jikan_sync.facet AS f
LEFT JOIN jikan_sync.ledger AS l ON a.mal_id = l.mal_id AND f.name = l.facet
LEFT JOIN jikan_sync.freshness_policy AS s ON f.name = s.facet AND a.status = s.status
LEFT JOIN jikan_sync.freshness_policy AS p ON f.name = p.facet AND p.status IS NULL;

COMMENT ON VIEW jikan_sync.facet_freshness IS
'Each facet of each mirrored title: how fresh it is, and whose route brings it. For one title at a
time; `jikan_sync.status_facet` counts them all.';
COMMENT ON COLUMN jikan_sync.facet_freshness.mal_id IS 'MyAnimeList''s id.';
COMMENT ON COLUMN jikan_sync.facet_freshness.facet IS 'The facet.';
COMMENT ON COLUMN jikan_sync.facet_freshness.position IS 'Its place in lists.';
COMMENT ON COLUMN jikan_sync.facet_freshness.is_asked_by_get IS 'Whether `anime.get` asks for it.';
COMMENT ON COLUMN jikan_sync.facet_freshness.stored_at IS
'When an upstream last vouched for it; NULL: never.';
COMMENT ON COLUMN jikan_sync.facet_freshness.not_before IS
'Nobody asks before this; NULL: it was never asked for.';
COMMENT ON COLUMN jikan_sync.facet_freshness.route IS 'The facet whose document brings it.';
COMMENT ON COLUMN jikan_sync.facet_freshness.freshness IS 'fresh, stale or never, computed now.';

COMMIT;
