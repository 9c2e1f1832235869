-- Deploy pgjikan:functions/face/get to pg
-- requires: schema/catalog
-- requires: schema/anime_children
-- requires: functions/face/check_arguments
-- requires: functions/face/plain_text
-- requires: functions/freshness/request_refresh
-- requires: functions/freshness/count_hit

-- Everything about one anime in one document, with the age of each facet beside it; what is stale
-- or was never fetched is queued, and an unknown id too.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.freshness_json(mal_id integer)
RETURNS jsonb
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        jsonb_object_agg(
            f.facet,
            jsonb_build_object('state', f.freshness, 'synced_at', f.stored_at)
        )
    FROM jikan_sync.facet_freshness AS f
    WHERE f.mal_id = freshness_json.mal_id;
END;

COMMENT ON FUNCTION jikan_sync.freshness_json(integer) IS
'How fresh each facet of a mirrored title is: {"core": {"state": fresh, stale or never, "synced_at":
…}, …}; NULL where it is not mirrored.';

CREATE FUNCTION jikan_sync.anime_json(mal_id integer)
RETURNS jsonb
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        to_jsonb(c) - '{anime_id,freshness}'::text[]
        || jsonb_build_object(
            'titles', jikan_sync.plain_entries(a.titles, 'title'),
            'images', a.images,
            'trailer', a.trailer,
            'aired', a.aired,
            'broadcast', a.broadcast,
            'producers', jikan_sync.plain_entries(a.producers, 'name'),
            'licensors', jikan_sync.plain_entries(a.licensors, 'name'),
            'studios', jikan_sync.plain_entries(a.studios, 'name'),
            'genres', jikan_sync.plain_entries(a.genres, 'name'),
            'explicit_genres', jikan_sync.plain_entries(a.explicit_genres, 'name'),
            'themes', jikan_sync.plain_entries(a.themes, 'name'),
            'demographics', jikan_sync.plain_entries(a.demographics, 'name'),
            'relations', (
                SELECT
                    coalesce(jsonb_agg(jsonb_build_object(
                        'relation', r.relation,
                        'type', r.entry_type,
                        'mal_id', r.entry_mal_id,
                        'name', anime.plain_text(r.name),
                        'url', r.url
                    ) ORDER BY r.relation, r.entry_mal_id), '[]')
                FROM jikan.relation AS r
                WHERE r.anime_id = a.id
            ),
            'openings', (
                SELECT coalesce(jsonb_agg(anime.plain_text(t.song) ORDER BY t.position), '[]')
                FROM jikan.theme_song AS t
                WHERE t.anime_id = a.id AND t.kind = 'opening'
            ),
            'endings', (
                SELECT coalesce(jsonb_agg(anime.plain_text(t.song) ORDER BY t.position), '[]')
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
                        jsonb_build_object('name', anime.plain_text(l.name), 'url', l.url)
                        ORDER BY l.position
                    ), '[]')
                FROM jikan.link AS l
                WHERE l.anime_id = a.id AND l.kind = 'external'
            ),
            'streaming', (
                SELECT
                    coalesce(jsonb_agg(
                        jsonb_build_object('name', anime.plain_text(l.name), 'url', l.url)
                        ORDER BY l.position
                    ), '[]')
                FROM jikan.link AS l
                WHERE l.anime_id = a.id AND l.kind = 'streaming'
            ),
            'sync_status', c.freshness,
            'freshness', jikan_sync.freshness_json(a.mal_id)
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
    PERFORM jikan_sync.check_mal_id(mal_id);
    v_anime := jikan_sync.anime_json(mal_id);
    IF NOT current_setting('transaction_read_only')::boolean THEN
        PERFORM jikan_sync.request_facets(mal_id);
        PERFORM jikan_sync.count_hit((SELECT a.id FROM jikan.anime AS a WHERE a.mal_id = "get".mal_id));
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
