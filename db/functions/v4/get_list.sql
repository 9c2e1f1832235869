-- Deploy pgjikan:functions/v4/get_list to pg
-- requires: functions/v4/list
-- requires: schema/clock

-- The lists that are no search: top, seasons, schedules, genres, and one anime by chance.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.v4_get_top(request jikan_sync.v4_request)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_word text := request.parameters ->> 'filter';
    v_filter jikan_sync.v4_filter := jikan_sync.v4_filter(request, false);
BEGIN
    IF v_word IN ('airing', 'upcoming') THEN
        v_filter.all_tags := v_filter.all_tags || jikan_sync.v4_word_tag('status', v_word);
    END IF;
    RETURN jikan_sync.v4_list(
        request, v_filter, coalesce((jikan_sync.v4_meanings('top', v_word))[1], 'score'), true
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_get_top(jikan_sync.v4_request) IS 'Answers /top/anime.';

CREATE FUNCTION jikan_sync.season_now()
RETURNS integer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamp := jikan_sync.clock_now() AT TIME ZONE 'Asia/Tokyo';
BEGIN
    RETURN extract(YEAR FROM v_now) * 4 + extract(QUARTER FROM v_now) - 1;
END;
$$;

COMMENT ON FUNCTION jikan_sync.season_now() IS
'The season that it is in Japan, as `jikan_sync.season_key` counts them.';

CREATE FUNCTION jikan_sync.v4_get_season(request jikan_sync.v4_request)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    p jsonb := request.parameters;
    v_filter jikan_sync.v4_filter := jikan_sync.v4_filter(request, true);
    v_season integer;
    v_tag integer;
BEGIN
    v_season := coalesce(
        (p ->> 'year')::integer * 4
        + (jikan_sync.v4_meanings('season', p ->> 'season'))[1]::integer,
        jikan_sync.season_now()
    );
    v_tag := jikan_sync.v4_tag('season', v_season);
    IF p ? 'filter' THEN
        v_filter.all_tags := v_filter.all_tags || jikan_sync.v4_word_tag('type', p ->> 'filter');
    END IF;
    IF coalesce((p ->> 'continuing')::boolean, false) THEN
        v_filter.any_tags := ARRAY[v_tag, jikan_sync.v4_word_tag('status', 'airing')];
        v_filter.season_to := v_season;
    ELSE
        v_filter.all_tags := v_filter.all_tags || v_tag;
    END IF;
    RETURN jikan_sync.v4_list(request, v_filter, 'members', true);
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_get_season(jikan_sync.v4_request) IS
'Answers /seasons/now and /seasons/{year}/{season}.';

CREATE FUNCTION jikan_sync.v4_get_upcoming(request jikan_sync.v4_request)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_filter jikan_sync.v4_filter := jikan_sync.v4_filter(request, true);
BEGIN
    v_filter.all_tags := v_filter.all_tags || jikan_sync.v4_word_tag('status', 'upcoming');
    IF request.parameters ? 'filter' THEN
        v_filter.all_tags := v_filter.all_tags
            || jikan_sync.v4_word_tag('type', request.parameters ->> 'filter');
    END IF;
    RETURN jikan_sync.v4_list(request, v_filter, 'members', true);
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_get_upcoming(jikan_sync.v4_request) IS
'Answers /seasons/upcoming.';

CREATE FUNCTION jikan_sync.v4_get_schedule(request jikan_sync.v4_request)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_filter jikan_sync.v4_filter := jikan_sync.v4_filter(request, true);
BEGIN
    v_filter.all_tags := v_filter.all_tags
        || jikan_sync.v4_word_tag('type', 'tv')
        || jikan_sync.v4_word_tag('status', 'airing');
    IF request.parameters ? 'filter' THEN
        v_filter.all_tags := v_filter.all_tags
            || jikan_sync.v4_word_tag('day', request.parameters ->> 'filter');
    END IF;
    RETURN jikan_sync.v4_list(request, v_filter, 'members', true);
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_get_schedule(jikan_sync.v4_request) IS
'Answers /schedules and /schedules/{day}.';

CREATE FUNCTION jikan_sync.v4_get_seasons(request jikan_sync.v4_request)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_first integer := jikan_sync.v4_tag('season', 0);
    v_title jikan_sync.v4_title;
    v_body text;
BEGIN
    SELECT
        '{"pagination":{"last_visible_page":1,"has_next_page":false},"data":['
        || coalesce(
            string_agg(
                format('{"year":%s,"seasons":[%s]}', y.year, y.seasons), ',' ORDER BY y.year DESC
            ),
            ''
        )
        || ']}'
    INTO v_body
    FROM (
        SELECT
            s.season / 4 AS year,
            string_agg(
                '"' || (ARRAY['winter', 'spring', 'summer', 'fall'])[s.season % 4 + 1] || '"',
                ',' ORDER BY s.season
            ) AS seasons
        FROM (
            SELECT b.tag - v_first AS season
            FROM jikan_sync.v4_bitmap AS b
            WHERE b.tag BETWEEN v_first AND v_first + 40000 AND bit_count(b.bits) > 0
            UNION
            SELECT r.season_key
            FROM jikan_sync.v4_change AS c
            INNER JOIN jikan.v4_row AS r ON r.slot = c.slot
            WHERE r.season_key IS NOT NULL
        ) AS s
        GROUP BY s.season / 4
    ) AS y;
    v_title.is_stale := false;
    RETURN jikan_sync.v4_part(request, v_title, v_body);
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_get_seasons(jikan_sync.v4_request) IS
'Answers /seasons: the years, newest first, and their seasons.';

CREATE FUNCTION jikan_sync.v4_get_genres(request jikan_sync.v4_request)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_size CONSTANT integer := 16384;
    v_kind text := request.parameters ->> 'filter';
    v_title jikan_sync.v4_title;
    v_body text;
BEGIN
    WITH changed AS MATERIALIZED (
        SELECT DISTINCT c.slot FROM jikan_sync.v4_change AS c
    ),

    genre AS (
        SELECT g.mal_id, g.kind, g.name, g.url
        FROM jikan_sync.v4_genre AS g
        UNION ALL
        (
            SELECT DISTINCT ON (e.mal_id) e.mal_id, l.kind, e.name, e.url
            FROM changed AS c
            INNER JOIN jikan.v4_row AS r ON r.slot = c.slot
            INNER JOIN jikan.anime AS a ON a.id = r.anime_id
            CROSS JOIN LATERAL (
                VALUES
                ('genres', a.genres),
                ('explicit_genres', a.explicit_genres),
                ('themes', a.themes),
                ('demographics', a.demographics)
            ) AS l (kind, list)
            CROSS JOIN LATERAL jsonb_to_recordset(l.list)
                AS e (mal_id integer, name text, url text)
            WHERE e.mal_id > 0
                AND e.name IS NOT NULL
                AND NOT EXISTS (
                    SELECT FROM jikan_sync.v4_genre AS k WHERE k.mal_id = e.mal_id
                )
            ORDER BY e.mal_id, a.mal_id DESC
        )
    ),

    counted AS (
        SELECT t.tag, sum(t.number) AS number
        FROM (
            SELECT
                b.tag,
                bit_count(b.bits) - (
                    SELECT coalesce(sum(get_bit(b.bits, c.slot % c_size)), 0)
                    FROM changed AS c
                    WHERE c.slot / c_size = b.chunk
                ) AS number
            FROM jikan_sync.v4_bitmap AS b
            WHERE b.tag < 10000000
            UNION ALL
            SELECT x.tag, 1
            FROM changed AS c
            INNER JOIN jikan.v4_row AS r ON r.slot = c.slot
            CROSS JOIN LATERAL unnest(r.tags) AS x (tag)
            WHERE x.tag < 10000000
        ) AS t
        GROUP BY t.tag
    )

    SELECT
        '{"data":['
        || coalesce(
            string_agg(
                '{"mal_id":' || g.mal_id::text
                || ',"name":' || jikan_sync.json_text(g.name)
                || ',"url":' || jikan_sync.json_text(g.url)
                || ',"count":' || n.number::text || '}',
                ',' ORDER BY array_position(
                    ARRAY['genres', 'explicit_genres', 'themes', 'demographics'], g.kind
                ), g.name COLLATE "C", g.mal_id
            ),
            ''
        )
        || ']}'
    INTO v_body
    FROM genre AS g
    INNER JOIN counted AS n ON n.tag = g.mal_id AND n.number > 0
    WHERE v_kind IS NULL OR g.kind = v_kind;
    v_title.is_stale := false;
    RETURN jikan_sync.v4_part(request, v_title, v_body);
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_get_genres(jikan_sync.v4_request) IS
'Answers /genres/anime: genres, explicit genres, themes and demographics, each by name, with the
number of anime that have it.';

CREATE FUNCTION jikan_sync.v4_get_random(request jikan_sync.v4_request)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_adult CONSTANT integer := 20000403;
    v_is_sfw boolean := coalesce((request.parameters ->> 'sfw')::boolean, false);
    v_slot integer;
    v_row record;
    v_answer jikan_sync.v4_answer;
BEGIN
    SELECT min(r.slot) + floor(random() * (max(r.slot) - min(r.slot) + 1))
    INTO v_slot
    FROM jikan.v4_row AS r;
    -- The next row from there on, or else the first of all.
    SELECT f.anime_id, f.mal_id, f.document
    INTO v_row
    FROM (
        (
            SELECT r.anime_id, r.mal_id, r.document, 1 AS place
            FROM jikan.v4_row AS r
            WHERE r.slot >= v_slot AND NOT (v_is_sfw AND r.tags @> ARRAY[c_adult])
            ORDER BY r.slot
            LIMIT 1
        )
        UNION ALL
        (
            SELECT r.anime_id, r.mal_id, r.document, 2
            FROM jikan.v4_row AS r
            WHERE NOT (v_is_sfw AND r.tags @> ARRAY[c_adult])
            ORDER BY r.slot
            LIMIT 1
        )
    ) AS f
    ORDER BY f.place
    LIMIT 1;
    IF v_row.anime_id IS NULL THEN
        v_answer := jikan_sync.v4_missing(NULL, NULL, false);
        v_answer.is_miss := false;
        RETURN v_answer;
    END IF;
    v_answer.status := 200;
    v_answer.anime_ids := ARRAY[v_row.anime_id];
    v_answer.body := '{"data":' || v_row.document || '}';
    RETURN v_answer;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_get_random(jikan_sync.v4_request) IS 'Answers /random/anime.';

COMMIT;
