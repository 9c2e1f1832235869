-- Deploy pgjikan:functions/get to pg
-- requires: schema/catalog
-- requires: schema/anime_children
-- requires: functions/freshness_age
-- requires: functions/freshness_request

-- Everything about one anime in one document, with the age of each facet beside it; what is stale
-- or was never fetched is queued, and an unknown id too.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.facet_json(synced_at timestamptz, max_age interval)
RETURNS jsonb
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object(
        'state', CASE
            WHEN facet_json.synced_at IS NULL THEN 'never'
            WHEN facet_json.synced_at + facet_json.max_age <= jikan_sync.clock_now() THEN 'stale'
            ELSE 'fresh'
        END,
        'synced_at', facet_json.synced_at
    );
END;

COMMENT ON FUNCTION jikan_sync.facet_json(timestamptz, interval) IS
'The freshness of a facet as `{"state": fresh/stale/never, "synced_at": …}`.';

CREATE FUNCTION jikan_sync.anime_json(mal_id integer)
RETURNS jsonb
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        to_jsonb(c) - '{anime_id,freshness}'::text[]
        || jsonb_build_object(
            'titles', a.titles,
            'images', a.images,
            'trailer', a.trailer,
            'aired', a.aired,
            'broadcast', a.broadcast,
            'producers', a.producers,
            'licensors', a.licensors,
            'studios', a.studios,
            'genres', a.genres,
            'explicit_genres', a.explicit_genres,
            'themes', a.themes,
            'demographics', a.demographics,
            'relations', (
                SELECT
                    coalesce(jsonb_agg(jsonb_build_object(
                        'relation', r.relation,
                        'type', r.entry_type,
                        'mal_id', r.entry_mal_id,
                        'name', r.name,
                        'url', r.url
                    ) ORDER BY r.relation, r.entry_mal_id), '[]')
                FROM jikan.relation AS r
                WHERE r.anime_id = a.id
            ),
            'openings', (
                SELECT coalesce(jsonb_agg(t.song ORDER BY t.position), '[]')
                FROM jikan.theme_song AS t
                WHERE t.anime_id = a.id AND t.kind = 'opening'
            ),
            'endings', (
                SELECT coalesce(jsonb_agg(t.song ORDER BY t.position), '[]')
                FROM jikan.theme_song AS t
                WHERE t.anime_id = a.id AND t.kind = 'ending'
            ),
            'pictures', (
                SELECT coalesce(jsonb_agg(p.images ORDER BY p.position), '[]')
                FROM jikan.picture AS p
                WHERE p.anime_id = a.id
            ),
            'external', (
                SELECT
                    coalesce(jsonb_agg(
                        jsonb_build_object('name', l.name, 'url', l.url) ORDER BY l.position
                    ), '[]')
                FROM jikan.link AS l
                WHERE l.anime_id = a.id AND l.kind = 'external'
            ),
            'streaming', (
                SELECT
                    coalesce(jsonb_agg(
                        jsonb_build_object('name', l.name, 'url', l.url) ORDER BY l.position
                    ), '[]')
                FROM jikan.link AS l
                WHERE l.anime_id = a.id AND l.kind = 'streaming'
            ),
            'sync_status', c.freshness,
            'freshness', jsonb_build_object(
                'core', jikan_sync.facet_json(
                    a.last_jikan_sync, jikan_sync.max_age('core', a.status)
                ),
                'themes', jikan_sync.facet_json(
                    a.full_synced_at, jikan_sync.max_age('themes', a.status)
                ),
                'images', jikan_sync.facet_json(
                    a.images_synced_at, jikan_sync.max_age('images', a.status)
                ),
                'reviews', jikan_sync.facet_json(
                    a.reviews_synced_at, jikan_sync.max_age('reviews', a.status)
                )
            )
        )
    FROM jikan.anime AS a
    INNER JOIN anime.catalog AS c ON a.id = c.anime_id
    WHERE a.mal_id = anime_json.mal_id;
END;

COMMENT ON FUNCTION jikan_sync.anime_json(integer) IS
'One anime with all that hangs on it and the freshness of each facet; NULL where it is not
mirrored.';

CREATE FUNCTION anime.get(mal_id integer)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_anime jsonb;
BEGIN
    IF mal_id IS NULL OR mal_id < 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('mal_id must be a positive integer, not %s', coalesce(mal_id::text, 'NULL')),
            HINT = 'It is the number in https://myanimelist.net/anime/NUMBER.';
    END IF;
    v_anime := jikan_sync.anime_json(mal_id);
    IF NOT current_setting('transaction_read_only')::boolean THEN
        PERFORM jikan_sync.request_facets(mal_id);
    END IF;
    RETURN v_anime;
END;
$$;

COMMENT ON FUNCTION anime.get(integer) IS
'One anime as jsonb: its fields, relations, openings, endings, pictures, links, and `freshness` per
facet. What is stale is queued for a refresh; an unknown id is queued and answers NULL: ask again.
In a read-only transaction or on a standby it only reads. Raises: 22023 (no positive `mal_id`).';

GRANT EXECUTE ON FUNCTION anime.get(integer) TO anime_reader;

COMMIT;
