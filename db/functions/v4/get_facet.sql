-- Deploy pgjikan:functions/v4/get_facet to pg
-- requires: functions/v4/title
-- requires: schema/anime_children
-- requires: schema/facet_document

-- Parts of a title that have tables of their own (pictures, reviews), and those that are kept as
-- received and passed on: an answer is what the upstream said.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.v4_get_pictures(request jikan_sync.v4_request)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_found record;
    v_body text;
BEGIN
    v_found := jikan_sync.v4_find_title(request);
    IF (v_found.title).anime_id IS NULL THEN
        RETURN v_found.missing;
    END IF;
    IF (v_found.title).synced_at IS NULL THEN
        RETURN jikan_sync.v4_missing((v_found.title).mal_id, request.facet, false);
    END IF;
    SELECT coalesce(string_agg(jikan_sync.images_text(p.images), ',' ORDER BY p.position), '')
    INTO v_body
    FROM jikan.picture AS p
    WHERE p.anime_id = (v_found.title).anime_id;
    RETURN jikan_sync.v4_part(request, v_found.title, '{"data":[' || v_body || ']}');
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_get_pictures(jikan_sync.v4_request) IS
'Answers /anime/{id}/pictures.';

CREATE FUNCTION jikan_sync.review_text(review jikan.review)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN concat(
        '{"mal_id":', review.review_mal_id,
        ',"url":', jikan_sync.json_text(review.url),
        ',"type":"anime","reactions":', (
            SELECT json_object_agg(k.name, review.reactions -> k.name ORDER BY k.place)
            FROM unnest(
                ARRAY[
                    'overall', 'nice', 'love_it', 'funny', 'confusing', 'informative',
                    'well_written', 'creative'
                ]
            ) WITH ORDINALITY AS k (name, place)
        ),
        ',"date":', jikan_sync.json_text(
            to_char(review.reviewed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS+00:00')
        ),
        ',"review":', jikan_sync.json_text(review.review),
        ',"score":', coalesce(review.score::text, 'null'),
        ',"tags":', to_json(review.tags),
        ',"is_spoiler":', coalesce(to_json(review.is_spoiler)::text, 'null'),
        ',"is_preliminary":', coalesce(to_json(review.is_preliminary)::text, 'null'),
        ',"episodes_watched":', coalesce(review.episodes_watched::text, 'null'),
        ',"user":{"url":', jikan_sync.json_at(review.reviewer, '{url}'),
        ',"username":', jikan_sync.json_text(review.username),
        ',"images":{"jpg":{"image_url":',
        jikan_sync.json_at(review.reviewer, '{images,jpg,image_url}'),
        '},"webp":{"image_url":', jikan_sync.json_at(review.reviewer, '{images,webp,image_url}'),
        '}}}}'
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.review_text(jikan.review) IS
'A review as JSON text in Jikan''s order of keys.';

CREATE FUNCTION jikan_sync.v4_get_reviews(request jikan_sync.v4_request)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_page_size CONSTANT integer := 20;
    v_found record;
    v_page integer := coalesce((request.parameters ->> 'page')::integer, 1);
    v_rows record;
BEGIN
    v_found := jikan_sync.v4_find_title(request);
    IF (v_found.title).anime_id IS NULL THEN
        RETURN v_found.missing;
    END IF;
    IF (v_found.title).synced_at IS NULL THEN
        RETURN jikan_sync.v4_missing((v_found.title).mal_id, request.facet, false);
    END IF;
    SELECT
        count(*) AS stored,
        coalesce(
            string_agg(jikan_sync.review_text(r), ',' ORDER BY r.position) FILTER (
                WHERE (
                    NOT coalesce(r.is_preliminary, false)
                    OR coalesce((request.parameters ->> 'preliminary')::boolean, false)
                )
                AND (
                    NOT coalesce(r.is_spoiler, false)
                    OR coalesce((request.parameters ->> 'spoilers')::boolean, false)
                )
            ),
            ''
        ) AS body
    INTO v_rows
    FROM jikan.review AS r
    WHERE r.anime_id = (v_found.title).anime_id
        AND r.position > (v_page - 1)::bigint * c_page_size
        AND r.position <= v_page::bigint * c_page_size;
    RETURN jikan_sync.v4_part(
        request, v_found.title,
        format(
            '{"pagination":{"last_visible_page":1,"has_next_page":%s},"data":[%s]}',
            CASE WHEN v_rows.stored >= c_page_size THEN 'true' ELSE 'false' END,
            v_rows.body
        )
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_get_reviews(jikan_sync.v4_request) IS
'Answers /anime/{id}/reviews, 20 a page; preliminary ones and spoilers only where asked for. Like
Jikan it says that there are more pages when a page is full.';

CREATE FUNCTION jikan_sync.v4_stored_facet(
    anime_id bigint, facet text, page integer, OUT body text, OUT pagination text
)
RETURNS record
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Beyond it nobody fetches; NULL: it has no pages.
    v_last_page integer := (
        SELECT f.max_pages
        FROM jikan_sync.facet AS f
        WHERE f.name = v4_stored_facet.facet AND f.is_paged
    );
BEGIN
    SELECT
        d.body,
        CASE
            WHEN d.page = v_last_page AND d.pagination ->> 'has_next_page' = 'true'
                THEN format('{"last_visible_page":%s,"has_next_page":false}', v_last_page)
            ELSE d.pagination::text
        END
    INTO v4_stored_facet.body, v4_stored_facet.pagination
    FROM jikan.facet_document AS d
    WHERE d.anime_id = v4_stored_facet.anime_id
        AND d.facet = v4_stored_facet.facet
        AND d.page = v4_stored_facet.page;
    IF v4_stored_facet.body IS NOT NULL THEN
        RETURN;
    END IF;
    -- The page that shows all videos has their episodes as well.
    IF v4_stored_facet.facet = 'videos_episodes' AND v4_stored_facet.page = 1 THEN
        SELECT d.body -> 'episodes', '{"last_visible_page":1,"has_next_page":false}'
        INTO v4_stored_facet.body, v4_stored_facet.pagination
        FROM jikan.facet_document AS d
        WHERE d.anime_id = v4_stored_facet.anime_id AND d.facet = 'videos' AND d.page = 1;
    END IF;
    -- Past the end.
    IF v4_stored_facet.body IS NULL AND v4_stored_facet.page > 1 THEN
        SELECT
            '[]',
            format(
                '{"last_visible_page":%s,"has_next_page":false}',
                least(l.last_page, v_last_page)
            )
        INTO v4_stored_facet.body, v4_stored_facet.pagination
        FROM (
            SELECT j.last_page
            FROM jikan_sync.v4_stored_facet(
                v4_stored_facet.anime_id, v4_stored_facet.facet, 1
            ) AS p (body, pagination)
            CROSS JOIN LATERAL (
                -- Whatever an upstream wrote there: what is no page number is no end.
                SELECT
                    CASE
                        WHEN p.pagination::json ->> 'last_visible_page' ~ '^[0-9]{1,9}$'
                            THEN (p.pagination::json ->> 'last_visible_page')::integer
                    END
            ) AS j (last_page)
            WHERE p.body IS NOT NULL
                AND (j.last_page < v4_stored_facet.page OR v_last_page < v4_stored_facet.page)
        ) AS l;
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_stored_facet(bigint, text, integer) IS
'A page of a facet as received, `data` and `pagination` by themselves, or what follows from other
pages of it; NULL: it is not here. Behind the last page that anybody fetches there is nothing.';

CREATE FUNCTION jikan_sync.v4_get_facet(request jikan_sync.v4_request)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_found record;
    v_stored record;
BEGIN
    v_found := jikan_sync.v4_find_title(request);
    IF (v_found.title).anime_id IS NULL THEN
        RETURN v_found.missing;
    END IF;
    v_stored := jikan_sync.v4_stored_facet(
        (v_found.title).anime_id,
        request.facet,
        coalesce((request.parameters ->> 'page')::integer, 1)
    );
    IF v_stored.body IS NULL THEN
        RETURN jikan_sync.v4_missing((v_found.title).mal_id, request.facet, false);
    END IF;
    RETURN jikan_sync.v4_part(
        request, v_found.title,
        '{' || coalesce('"pagination":' || v_stored.pagination || ',', '')
        || '"data":' || v_stored.body || '}'
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_get_facet(jikan_sync.v4_request) IS
'Answers the routes of facets that are kept as received.';

CREATE FUNCTION jikan_sync.has_all_pages(anime_id bigint, facet text)
RETURNS boolean
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        coalesce(
            count(*) = max(d.page)
            -- The last page says so itself.
            AND (
                count(*) FILTER (WHERE d.pagination ->> 'has_next_page' = 'true')
                = max(d.page) - 1
                OR max(d.page) >= (
                    SELECT f.max_pages FROM jikan_sync.facet AS f
                    WHERE f.name = has_all_pages.facet
                )
            ),
            false
        )
    FROM jikan.facet_document AS d
    WHERE d.anime_id = has_all_pages.anime_id AND d.facet = has_all_pages.facet;
END;

COMMENT ON FUNCTION jikan_sync.has_all_pages(bigint, text) IS
'Whether every page of a facet that is kept as received is here, as far as anybody fetches them.';

CREATE FUNCTION jikan_sync.v4_get_episode(request jikan_sync.v4_request)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_found record;
    v_number integer := least((request.parameters ->> 'episode')::bigint, 2147483647);
    v_stored record;
    v_body text;
BEGIN
    v_found := jikan_sync.v4_find_title(request);
    IF (v_found.title).anime_id IS NULL THEN
        RETURN v_found.missing;
    END IF;
    v_stored := jikan_sync.v4_stored_facet((v_found.title).anime_id, 'episode', v_number);
    v_body := v_stored.body;
    IF v_body IS NULL THEN
        SELECT
            concat(
                '{"mal_id":', v_number,
                ',"url":', coalesce((e.entry -> 'url')::text, 'null'),
                ',"title":', coalesce((e.entry -> 'title')::text, 'null'),
                ',"title_japanese":', coalesce((e.entry -> 'title_japanese')::text, 'null'),
                ',"title_romanji":', coalesce((e.entry -> 'title_romanji')::text, 'null'),
                ',"duration":null',
                ',"aired":', coalesce((e.entry -> 'aired')::text, 'null'),
                ',"filler":', coalesce((e.entry -> 'filler')::text, 'false'),
                ',"recap":', coalesce((e.entry -> 'recap')::text, 'false'),
                ',"synopsis":null}'
            )
        INTO v_body
        FROM jikan.facet_document AS d
        CROSS JOIN LATERAL json_array_elements(d.body) AS e (entry)
        WHERE d.anime_id = (v_found.title).anime_id
            AND d.facet = 'episodes'
            AND e.entry ->> 'mal_id' = v_number::text
        LIMIT 1;
    END IF;
    IF v_body IS NULL THEN
        RETURN jikan_sync.v4_missing(
            (v_found.title).mal_id, 'episodes',
            jikan_sync.has_all_pages((v_found.title).anime_id, 'episodes')
            AND NOT jikan_sync.is_stale(
                'episodes',
                (v_found.title).status,
                jikan_sync.facet_synced_at('episodes', (v_found.title).mal_id)
            )
        );
    END IF;
    RETURN jikan_sync.v4_part(request, v_found.title, '{"data":' || v_body || '}');
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_get_episode(jikan_sync.v4_request) IS
'Answers /anime/{id}/episodes/{episode}, as old as the list of episodes; from that list, without
duration and synopsis, where nobody fetched the episode by itself.';

CREATE FUNCTION jikan_sync.v4_get_all(request jikan_sync.v4_request)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_page integer := coalesce((request.parameters ->> 'page')::integer, 1);
    v_list jikan.list_document;
    v_title jikan_sync.v4_title;
    v_answer jikan_sync.v4_answer;
BEGIN
    -- The page, or the last one where that lies before it.
    SELECT d.* INTO v_list
    FROM jikan.list_document AS d
    WHERE '/' || d.path = request.pattern
        AND (d.page = v_page OR d.page < v_page AND d.pagination ->> 'has_next_page' = 'false')
    ORDER BY d.page DESC
    LIMIT 1;
    IF v_list.page < v_page THEN
        v_list.body := '[]';
    END IF;
    IF v_list.page IS NULL THEN
        v_answer := jikan_sync.v4_missing(NULL, request.facet, false);
        v_answer.is_miss := false;
        RETURN v_answer;
    END IF;
    v_title.synced_at := v_list.synced_at;
    v_title.is_stale := jikan_sync.is_stale(request.facet, NULL, v_list.synced_at);
    RETURN jikan_sync.v4_part(
        request, v_title,
        '{' || coalesce('"pagination":' || v_list.pagination::text || ',', '')
        || '"data":' || v_list.body::text || '}'
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_get_all(jikan_sync.v4_request) IS
'Answers /recommendations/anime.';

COMMIT;
