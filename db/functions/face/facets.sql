-- Deploy pgjikan:functions/face/facets to pg
-- requires: functions/face/facet
-- requires: schema/episode
-- requires: schema/catalog
-- requires: functions/face/plain_text
-- requires: schema/recommendation
-- requires: functions/store/document_fault
-- requires: functions/store/store_recommendations

-- The facets that apps ask for most, as rows.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION anime.episodes(
    mal_id integer, max_rows integer DEFAULT 100, first integer DEFAULT 0
)
RETURNS TABLE (
    number integer,
    title text,
    title_japanese text,
    title_romanji text,
    aired_at timestamptz,
    score numeric,
    is_filler boolean,
    is_recap boolean,
    url text,
    freshness text,
    synced_at timestamptz
)
LANGUAGE plpgsql
VOLATILE
ROWS 26
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_look record;
BEGIN
    PERFORM jikan_sync.check_max_rows(max_rows);
    v_look := jikan_sync.look_at(mal_id, 'episodes');
    RETURN QUERY
    SELECT
        e.number,
        anime.plain_text(e.title),
        anime.plain_text(e.title_japanese),
        anime.plain_text(e.title_romanji),
        e.aired_at,
        e.score,
        e.is_filler,
        e.is_recap,
        e.url,
        v_look.freshness,
        v_look.synced_at
    FROM jikan.episode AS e
    WHERE e.anime_id = v_look.anime_id
        AND e.number >= coalesce(episodes.first, 0)
    ORDER BY e.number
    LIMIT max_rows;
END;
$$;

COMMENT ON FUNCTION anime.episodes(integer, integer, integer) IS
'The episodes of an anime from number `first` on, in order, at most `max_rows` (1 to 100), each with
the age of the facet. Stale or never fetched, they are queued: ask again in a second. Raises:
22023.';

CREATE FUNCTION anime.characters(mal_id integer, max_rows integer DEFAULT 100)
RETURNS TABLE (
    character_mal_id integer,
    name text,
    role text,
    favorites integer,
    image_url text,
    url text,
    voice_actors jsonb,
    freshness text,
    synced_at timestamptz
)
LANGUAGE plpgsql
VOLATILE
ROWS 30
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_look record;
BEGIN
    PERFORM jikan_sync.check_max_rows(max_rows);
    v_look := jikan_sync.look_at(mal_id, 'characters');
    RETURN QUERY
    SELECT
        jikan_sync.document_mal_id(d.document -> 'character'),
        anime.plain_text(d.document #>> '{character,name}'),
        d.document ->> 'role',
        CASE
            WHEN pg_input_is_valid(d.document ->> 'favorites', 'integer')
                THEN (d.document ->> 'favorites')::integer
        END,
        coalesce(
            d.document #>> '{character,images,webp,image_url}',
            d.document #>> '{character,images,jpg,image_url}'
        ),
        d.document #>> '{character,url}',
        d.document -> 'voice_actors',
        v_look.freshness,
        v_look.synced_at
    FROM jsonb_array_elements(
        jikan_sync.json_list(jikan_sync.facet_data(v_look.anime_id, 'characters'))
    ) WITH ORDINALITY AS d (document, place)
    WHERE jikan_sync.document_mal_id(d.document -> 'character') IS NOT NULL
    ORDER BY d.place
    LIMIT max_rows;
END;
$$;

COMMENT ON FUNCTION anime.characters(integer, integer) IS
'The characters of an anime in upstream''s order (the main ones first), at most `max_rows` (1 to
100); `voice_actors` as Jikan lists them: [{"person", "language"}]. With the age of the facet, which
is queued when it is stale or was never fetched. Raises: 22023.';

CREATE FUNCTION anime.staff(mal_id integer, max_rows integer DEFAULT 100)
RETURNS TABLE (
    person_mal_id integer,
    name text,
    positions text[],
    image_url text,
    url text,
    freshness text,
    synced_at timestamptz
)
LANGUAGE plpgsql
VOLATILE
ROWS 30
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_look record;
BEGIN
    PERFORM jikan_sync.check_max_rows(max_rows);
    v_look := jikan_sync.look_at(mal_id, 'staff');
    RETURN QUERY
    SELECT
        jikan_sync.document_mal_id(d.document -> 'person'),
        anime.plain_text(d.document #>> '{person,name}'),
        ARRAY(
            SELECT anime.plain_text(p.name)
            FROM jsonb_array_elements_text(
                jikan_sync.json_list(d.document -> 'positions')
            ) AS p (name)
        ),
        d.document #>> '{person,images,jpg,image_url}',
        d.document #>> '{person,url}',
        v_look.freshness,
        v_look.synced_at
    FROM jsonb_array_elements(
        jikan_sync.json_list(jikan_sync.facet_data(v_look.anime_id, 'staff'))
    ) WITH ORDINALITY AS d (document, place)
    WHERE jikan_sync.document_mal_id(d.document -> 'person') IS NOT NULL
    ORDER BY d.place
    LIMIT max_rows;
END;
$$;

COMMENT ON FUNCTION anime.staff(integer, integer) IS
'Who made an anime and as what, in upstream''s order, at most `max_rows` (1 to 100), with the age of
the facet, which is queued when it is stale or was never fetched. Raises: 22023.';

CREATE FUNCTION anime.recommendations(
    mal_id integer, max_rows integer DEFAULT 20, nsfw boolean DEFAULT FALSE
)
RETURNS TABLE (
    recommended_mal_id integer,
    title text,
    votes integer,
    image_url text,
    url text,
    is_mirrored boolean,
    freshness text,
    synced_at timestamptz
)
LANGUAGE plpgsql
VOLATILE
ROWS 20
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_look record;
BEGIN
    PERFORM jikan_sync.check_max_rows(max_rows);
    v_look := jikan_sync.look_at(mal_id, 'recommendations');
    RETURN QUERY
    -- Its own list names those that are not mirrored; the votes are in other titles' lists too.
    WITH named AS MATERIALIZED (
        SELECT DISTINCT ON (e.mal_id)
            e.mal_id,
            d.document -> 'entry' AS entry
        FROM jsonb_array_elements(
            jikan_sync.json_list(jikan_sync.facet_data(v_look.anime_id, 'recommendations'))
        ) WITH ORDINALITY AS d (document, place)
        CROSS JOIN LATERAL (
            VALUES (jikan_sync.document_mal_id(d.document -> 'entry'))
        ) AS e (mal_id)
        WHERE jikan_sync.recommendation_fault(d.document, recommendations.mal_id) IS NULL
        ORDER BY e.mal_id, d.place
    )

    SELECT
        v.other_mal_id,
        anime.plain_text(coalesce(a.title, n.entry ->> 'title')),
        v.votes,
        coalesce(
            a.images #>> '{jpg,large_image_url}',
            a.images #>> '{jpg,image_url}',
            n.entry #>> '{images,jpg,large_image_url}',
            n.entry #>> '{images,jpg,image_url}'
        ),
        coalesce(a.url, n.entry ->> 'url'),
        a.id IS NOT NULL,
        coalesce(v_look.freshness, 'never'),
        v_look.synced_at
    FROM jikan_sync.vote AS v
    LEFT JOIN jikan.anime AS a ON a.mal_id = v.other_mal_id
    LEFT JOIN named AS n ON n.mal_id = v.other_mal_id
    WHERE v.mal_id = recommendations.mal_id
        AND a.removed_at IS NULL
        AND a.approved IS NOT FALSE
        AND (recommendations.nsfw OR a.is_nsfw IS NOT TRUE)
    ORDER BY v.votes DESC, v.other_mal_id
    LIMIT max_rows;
END;
$$;

COMMENT ON FUNCTION anime.recommendations(integer, integer, boolean) IS
'What MyAnimeList''s users recommend to who liked an anime, in its own list or in the other''s, most
`votes` first, at most `max_rows` (1 to 100), adult anime with `nsfw` only; `is_mirrored` says
whether the title is here. With the age of its own list, which is queued when it is stale or was
never fetched. `anime.similar` reckons with these and more. Raises: 22023.';

CREATE FUNCTION anime.videos(mal_id integer)
RETURNS jsonb
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    SELECT anime.facet(videos.mal_id, 'videos');
END;

COMMENT ON FUNCTION anime.videos(integer) IS
'Trailers, episodes to watch and music videos of an anime: `anime.facet(mal_id, ''videos'')`.';

CREATE FUNCTION anime.statistics(mal_id integer)
RETURNS jsonb
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    SELECT anime.facet(statistics.mal_id, 'statistics');
END;

COMMENT ON FUNCTION anime.statistics(integer) IS
'How many watch, completed or dropped an anime, and the votes by score:
`anime.facet(mal_id, ''statistics'')`.';

GRANT EXECUTE ON FUNCTION anime.episodes(integer, integer, integer) TO anime_reader;
GRANT EXECUTE ON FUNCTION anime.characters(integer, integer) TO anime_reader;
GRANT EXECUTE ON FUNCTION anime.staff(integer, integer) TO anime_reader;
GRANT EXECUTE ON FUNCTION anime.recommendations(integer, integer, boolean) TO anime_reader;
GRANT EXECUTE ON FUNCTION anime.videos(integer) TO anime_reader;
GRANT EXECUTE ON FUNCTION anime.statistics(integer) TO anime_reader;

COMMIT;
