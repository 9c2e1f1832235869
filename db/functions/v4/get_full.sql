-- Deploy pgjikan:functions/v4/get_full to pg
-- requires: functions/v4/title
-- requires: schema/anime_children

-- What only a /full document knows, by itself and together: relations, songs, links.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.relations_text(anime_id bigint)
RETURNS text
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT '[' || coalesce(string_agg(g.body, ',' ORDER BY g.place), '') || ']'
    FROM (
        SELECT
            min(r.position) AS place,
            '{"relation":' || jikan_sync.json_text(r.relation) || ',"entry":['
            || string_agg(
                '{"mal_id":' || r.entry_mal_id::text
                || ',"type":' || jikan_sync.json_text(r.entry_type)
                || ',"name":' || jikan_sync.json_text(r.name)
                || ',"url":' || jikan_sync.json_text(r.url) || '}',
                ',' ORDER BY r.position
            ) || ']}' AS body
        FROM jikan.relation AS r
        WHERE r.anime_id = relations_text.anime_id
        GROUP BY r.relation
    ) AS g;
END;

COMMENT ON FUNCTION jikan_sync.relations_text(bigint) IS
'The relations of an anime as JSON text, groups and entries in Jikan''s order.';

CREATE FUNCTION jikan_sync.songs_text(anime_id bigint)
RETURNS text
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        '{"openings":['
        || coalesce(
            string_agg(jikan_sync.json_text(s.song), ',' ORDER BY s.position)
            FILTER (WHERE s.kind = 'opening'), ''
        )
        || '],"endings":['
        || coalesce(
            string_agg(jikan_sync.json_text(s.song), ',' ORDER BY s.position)
            FILTER (WHERE s.kind = 'ending'), ''
        )
        || ']}'
    FROM jikan.theme_song AS s
    WHERE s.anime_id = songs_text.anime_id;
END;

COMMENT ON FUNCTION jikan_sync.songs_text(bigint) IS
'The theme songs of an anime as JSON text.';

CREATE FUNCTION jikan_sync.links_text(anime_id bigint, kind text)
RETURNS text
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        '['
        || coalesce(
            string_agg(
                '{"name":' || jikan_sync.json_text(l.name)
                || ',"url":' || jikan_sync.json_text(l.url) || '}',
                ',' ORDER BY l.position
            ), ''
        )
        || ']'
    FROM jikan.link AS l
    WHERE l.anime_id = links_text.anime_id AND l.kind = links_text.kind;
END;

COMMENT ON FUNCTION jikan_sync.links_text(bigint, text) IS
'The external or streaming links of an anime as JSON text.';

CREATE FUNCTION jikan_sync.v4_get_full(request jikan_sync.v4_request)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_known text[] := request.known;
    v_anime record;
    v_answer jikan_sync.v4_answer;
BEGIN
    -- Who has the title alone has no part of this document's body.
    request.known := '{}';
    v_answer := jikan_sync.v4_get_anime(request);
    IF v_answer.status <> 200 THEN
        RETURN v_answer;
    END IF;
    SELECT a.id, a.full_hash INTO STRICT v_anime
    FROM jikan.anime AS a
    WHERE a.mal_id = v_answer.mal_id;
    IF v_anime.full_hash IS NULL THEN
        -- What is known is given; what is not is worth a wait.
        v_answer.facet := 'core';
        v_answer.is_miss := true;
        v_answer.is_stale := true;
    END IF;
    v_answer.version := v_answer.version || '-' || coalesce(to_hex(v_anime.full_hash), '0');
    IF v_answer.version = ANY (v_known) THEN
        v_answer.status := 304;
        v_answer.body := NULL;
        RETURN v_answer;
    END IF;
    v_answer.body := left(v_answer.body, -2)
        || ',"relations":' || jikan_sync.relations_text(v_anime.id)
        || ',"theme":' || jikan_sync.songs_text(v_anime.id)
        || ',"external":' || jikan_sync.links_text(v_anime.id, 'external')
        || ',"streaming":' || jikan_sync.links_text(v_anime.id, 'streaming')
        || '}}';
    RETURN v_answer;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_get_full(jikan_sync.v4_request) IS
'Answers /anime/{id}/full; of a title known from lists alone with what is known.';

CREATE FUNCTION jikan_sync.v4_get_relations(request jikan_sync.v4_request)
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
    v_body := jikan_sync.relations_text((v_found.title).anime_id);
    IF v_body = '[]' AND (v_found.title).synced_at IS NULL THEN
        RETURN jikan_sync.v4_missing((v_found.title).mal_id, request.facet, false);
    END IF;
    RETURN jikan_sync.v4_part(request, v_found.title, '{"data":' || v_body || '}');
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_get_relations(jikan_sync.v4_request) IS
'Answers /anime/{id}/relations.';

CREATE FUNCTION jikan_sync.v4_get_themes(request jikan_sync.v4_request)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_found record;
BEGIN
    v_found := jikan_sync.v4_find_title(request);
    IF (v_found.title).anime_id IS NULL THEN
        RETURN v_found.missing;
    END IF;
    IF (v_found.title).synced_at IS NULL THEN
        RETURN jikan_sync.v4_missing((v_found.title).mal_id, request.facet, false);
    END IF;
    RETURN jikan_sync.v4_part(
        request, v_found.title,
        '{"data":' || jikan_sync.songs_text((v_found.title).anime_id) || '}'
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_get_themes(jikan_sync.v4_request) IS
'Answers /anime/{id}/themes.';

CREATE FUNCTION jikan_sync.v4_get_links(request jikan_sync.v4_request)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_found record;
BEGIN
    v_found := jikan_sync.v4_find_title(request);
    IF (v_found.title).anime_id IS NULL THEN
        RETURN v_found.missing;
    END IF;
    IF (v_found.title).synced_at IS NULL THEN
        RETURN jikan_sync.v4_missing((v_found.title).mal_id, request.facet, false);
    END IF;
    RETURN jikan_sync.v4_part(
        request, v_found.title,
        '{"data":' || jikan_sync.links_text(
            (v_found.title).anime_id, regexp_replace(request.pattern, '^.*/', '')
        ) || '}'
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_get_links(jikan_sync.v4_request) IS
'Answers /anime/{id}/external and /anime/{id}/streaming.';

COMMIT;
