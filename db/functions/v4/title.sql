-- Deploy pgjikan:functions/v4/title to pg
-- requires: functions/v4/errors
-- requires: functions/freshness/request_refresh
-- requires: schema/list_document
-- requires: functions/freshness/is_stale

-- What all routes of one title have in common: is it here, how old is it, and what is said when it
-- is not. A title that nobody here has heard of is not "not found": only an upstream can say that.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.v4_missing(mal_id bigint, facet text, is_known_missing boolean)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_last_id CONSTANT bigint := 999999999;  -- no id has more digits
    v_answer jikan_sync.v4_answer;
BEGIN
    IF is_known_missing
        OR mal_id > c_last_id
        OR jikan_sync.is_unknown_upstream(mal_id::integer)
        OR jikan_sync.is_unknown_upstream(mal_id::integer, v4_missing.facet)
    THEN
        v_answer.status := 404;
        v_answer.body := jikan_sync.v4_error(
            404, 'BadResponseException', 'Resource does not exist',
            format('404 on https://myanimelist.net/anime/%s/', mal_id)
        );
        RETURN v_answer;
    END IF;
    v_answer.status := 504;
    v_answer.body := jikan_sync.v4_error(
        504, 'BadResponseException',
        'Jikan failed to connect to MyAnimeList. MyAnimeList may be down/unavailable or refuses '
        'to connect'
    );
    v_answer.facet := facet;
    v_answer.mal_id := mal_id;
    v_answer.is_miss := true;
    RETURN v_answer;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_missing(bigint, text, boolean) IS
'The answer where a facet of a title is not here: 404 where upstream it is not either, else the 504
of a Jikan that cannot reach MyAnimeList, with the wish to fetch it.';

CREATE TYPE jikan_sync.v4_title AS (
    anime_id bigint,
    mal_id integer,
    status text,
    synced_at timestamptz,
    is_stale boolean
);

COMMENT ON TYPE jikan_sync.v4_title IS
'A mirrored title and the age of the facet that a route is about; `anime_id` NULL: not mirrored.';

CREATE FUNCTION jikan_sync.v4_find_title(
    request jikan_sync.v4_request,
    OUT title jikan_sync.v4_title,
    OUT missing jikan_sync.v4_answer
)
RETURNS record
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_mal_id bigint := (request.parameters ->> 'id')::bigint;
    v_is_removed boolean;
BEGIN
    SELECT a.id, a.mal_id, a.status, a.last_jikan_sync, a.removed_at IS NOT NULL
    INTO title.anime_id, title.mal_id, title.status, title.synced_at, v_is_removed
    FROM jikan.anime AS a
    WHERE a.mal_id = v_mal_id;
    IF title.anime_id IS NULL OR v_is_removed THEN
        missing := jikan_sync.v4_missing(v_mal_id, 'core', v_is_removed);
        title.anime_id := NULL;
        RETURN;
    END IF;
    IF request.facet <> 'core' THEN
        title.synced_at := jikan_sync.facet_synced_at(request.facet, title.mal_id);
    END IF;
    title.is_stale := jikan_sync.is_stale(request.facet, title.status, title.synced_at);
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_find_title(jikan_sync.v4_request) IS
'The title that a request is about, or what is to be answered where it is not here.';

CREATE FUNCTION jikan_sync.v4_part(
    request jikan_sync.v4_request,
    title jikan_sync.v4_title,
    body text
)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_answer jikan_sync.v4_answer;
BEGIN
    v_answer.version := md5(body);
    v_answer.synced_at := title.synced_at;
    v_answer.is_stale := title.is_stale;
    v_answer.anime_ids := ARRAY[title.anime_id];
    IF title.is_stale THEN
        v_answer.facet := request.facet;
        v_answer.mal_id := title.mal_id;
    END IF;
    IF v_answer.version = ANY (request.known) THEN
        v_answer.status := 304;
    ELSE
        v_answer.status := 200;
        v_answer.body := body;
    END IF;
    RETURN v_answer;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_part(
    jikan_sync.v4_request, jikan_sync.v4_title, text
) IS
'The answer that a part of a title is, with the wish to refresh it where it is stale.';

COMMIT;
