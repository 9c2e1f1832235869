-- Deploy pgjikan:functions/v4/v4 to pg
-- requires: functions/v4/validate
-- requires: functions/v4/get_anime
-- requires: functions/v4/get_full
-- requires: functions/v4/get_facet
-- requires: functions/v4/get_search
-- requires: functions/v4/get_list
-- requires: functions/search/request_search
-- requires: functions/freshness/request_refresh
-- requires: functions/freshness/count_hit
-- requires: functions/upstream/reserve_request
-- requires: schema/worker
-- requires: functions/upstream/mirror_id

-- The Jikan v4 API as a function. One of them also asks for what is missing or stale; asking comes
-- after the answer, which is read from one snapshot.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.v4_known(headers jsonb)
RETURNS text[]
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tags text := left(headers ->> 'if-none-match', 2000);
BEGIN
    IF v_tags IS NULL THEN
        RETURN '{}';
    END IF;
    RETURN ARRAY(
        SELECT btrim(regexp_replace(t.tag, '^\s*(W/)?', ''), ' "')
        FROM string_to_table(v_tags, ',') AS t (tag)
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_known(jsonb) IS
'The versions that an asker has, of its header If-None-Match.';

CREATE FUNCTION jikan_sync.v4_clean_path(path text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        regexp_replace(
            rtrim(regexp_replace(v4_clean_path.path, '/+', '/', 'g'), '/'),
            '^/v[14](?=/|$)',
            ''
        );
END;

COMMENT ON FUNCTION jikan_sync.v4_clean_path(text) IS
'A path without its version, double and trailing slashes.';

CREATE FUNCTION jikan_sync.v4_answer(path text, query jsonb, headers jsonb)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_path text := jikan_sync.v4_clean_path(coalesce(path, ''));
    v_route jikan_sync.v4_route;
    v_given record;
    v_request jikan_sync.v4_request;
    v_answer jikan_sync.v4_answer;
BEGIN
    IF headers ? 'pgjikan-mirror' AND headers ->> 'pgjikan-mirror' = jikan_sync.mirror_id() THEN
        RETURN jikan_sync.v4_loop();
    END IF;
    v_route := jikan_sync.v4_find_route(v_path);
    IF v_route.pattern IS NULL THEN
        RETURN jikan_sync.v4_no_route();
    END IF;
    v_given := jikan_sync.v4_validate(
        v_route, v_path, CASE jsonb_typeof(query) WHEN 'object' THEN query ELSE '{}' END
    );
    IF NOT v_given.is_route THEN
        RETURN jikan_sync.v4_no_route();
    ELSIF v_given.messages <> '[]' THEN
        RETURN jikan_sync.v4_invalid(v_given.messages);
    END IF;
    v_request := (
        v_route.pattern, v_route.facet, v_given.parameters, jikan_sync.v4_known(headers)
    );
    EXECUTE format('SELECT a.* FROM jikan_sync.%I($1) AS a', v_route.handler)
    INTO v_answer
    USING v_request;
    v_answer.kind := v_route.kind;
    v_answer.question := v_path || ' ' || v_given.parameters::text;
    IF v_answer.status = 200 AND '*' = ANY (v_request.known) THEN
        -- Whoever has any version is told that there is one.
        v_answer.status := 304;
        v_answer.body := NULL;
    END IF;
    RETURN v_answer;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_answer(text, jsonb, jsonb) IS
'The answer to a request, with what should be asked upstream; reads only.';

CREATE FUNCTION jikan_sync.http_date(moment timestamptz)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT to_char(http_date.moment AT TIME ZONE 'UTC', 'Dy, DD Mon YYYY HH24:MI:SS') || ' GMT';
END;

COMMENT ON FUNCTION jikan_sync.http_date(timestamptz) IS 'A moment as headers of HTTP write it.';

CREATE FUNCTION jikan_sync.v4_headers(answer jikan_sync.v4_answer)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF answer.status NOT IN (200, 304) THEN
        RETURN jsonb_build_object('Cache-Control', 'no-cache, private')
            || CASE answer.status
                -- The mark tells another pgjikan that this one is well and lacks this alone.
                WHEN 504 THEN '{"Retry-After": "30", "X-Pgjikan": "not-yet"}'
                ELSE '{}'
            END::jsonb;
    END IF;
    RETURN jsonb_strip_nulls(
        jsonb_build_object(
            'Cache-Control', CASE
                WHEN answer.kind = 'one' AND (answer.is_stale OR answer.is_miss)
                    THEN 'public, max-age=0, must-revalidate'
                WHEN answer.kind = 'one' THEN 'public, s-maxage=86400'
                WHEN answer.kind = 'random' THEN 'no-store, no-cache, must-revalidate, max-age=0'
                ELSE 'must-revalidate, private'
            END,
            'ETag', '"' || answer.version || '"',
            'X-Cache-Status', CASE
                WHEN answer.is_stale OR answer.is_miss THEN 'STALE'
                ELSE 'HIT'
            END,
            'Last-Modified', jikan_sync.http_date(answer.synced_at),
            'Expires', jikan_sync.http_date(jikan_sync.later(answer.synced_at, '24 hours')),
            'Age', CASE
                WHEN answer.synced_at IS NOT NULL THEN greatest(
                    0, extract(EPOCH FROM jikan_sync.clock_now() - answer.synced_at)
                )::bigint::text
            END
        )
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_headers(jikan_sync.v4_answer) IS 'The headers of an answer.';

CREATE FUNCTION jikan_sync.v4_respond(
    answer jikan_sync.v4_answer, is_miss boolean, has_wish boolean, was_asked boolean
)
RETURNS anime.v4_response
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        answer.status,
        jikan_sync.v4_headers(answer),
        answer.body,
        is_miss,
        CASE WHEN is_miss THEN jikan_sync.setting_interval('v4_wait') END,
        has_wish,
        -- What is the same for everybody, and no better for being asked again: of what is stale or
        -- lacks a part, the refresh is asked for by now, and its coming ends what is kept.
        CASE
            WHEN answer.status IN (200, 304)
                AND NOT (is_miss OR has_wish)
                AND answer.kind <> 'random'
                THEN jikan_sync.setting_interval('v4_keep')
        END,
        was_asked,
        CASE WHEN is_miss OR has_wish THEN answer.question END
    )::anime.v4_response;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_respond(jikan_sync.v4_answer, boolean, boolean, boolean) IS
'An answer as the face gives it.';

CREATE FUNCTION jikan_sync.is_worth_a_wait()
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (
        SELECT
        FROM jikan_sync.worker AS w
        WHERE w.seen_at > jikan_sync.ago('90 seconds')
            AND w.lanes @> '{jikan}'
    )
    AND jikan_sync.upstream_available();
END;
$$;

COMMENT ON FUNCTION jikan_sync.is_worth_a_wait() IS
'Whether what is asked for now may be here soon: a sidecar lives and an upstream can be asked.';

CREATE FUNCTION jikan_sync.v4_task_route(facet text, mal_id integer)
RETURNS text
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT CASE WHEN a.mal_id IS NULL THEN 'core' ELSE coalesce(f.brought_by, f.name) END
    FROM jikan_sync.facet AS f
    LEFT JOIN jikan.anime AS a ON a.mal_id = v4_task_route.mal_id
    WHERE f.name = v4_task_route.facet;
END;

COMMENT ON FUNCTION jikan_sync.v4_task_route(text, integer) IS
'The facet that is asked for to have this one: what brings it, or the title before its parts.';

CREATE FUNCTION jikan_sync.v4_task_key(facet text, mal_id integer)
RETURNS text
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        jikan_sync.task_key(
            CASE r.route WHEN 'core' THEN 'anime' ELSE 'facet' END,
            v4_task_key.mal_id,
            NULL,
            jsonb_build_object('facet', r.route)
        )
    FROM jikan_sync.v4_task_route(v4_task_key.facet, v4_task_key.mal_id) AS r (route);
END;

COMMENT ON FUNCTION jikan_sync.v4_task_key(text, integer) IS
'The key of the task in the queue that brings a facet of a title.';

CREATE FUNCTION jikan_sync.v4_is_awaited(answer jikan_sync.v4_answer)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_search jikan_sync.search_request;
BEGIN
    IF NOT coalesce(answer.is_miss, false) OR NOT jikan_sync.is_worth_a_wait() THEN
        RETURN false;
    END IF;
    IF answer.query IS NOT NULL THEN
        SELECT s.* INTO v_search
        FROM jikan_sync.search_request AS s
        WHERE s.query_key = jikan_sync.normalise_query(answer.query);
        RETURN jikan_sync.is_searchable(answer.query)
            AND coalesce(jikan_sync.search_verdict(v_search), 'pending') = 'pending';
    END IF;
    RETURN answer.mal_id IS NOT NULL
        AND jikan_sync.may_ask(answer.facet, answer.mal_id)
        AND jikan_sync.may_ask(
            jikan_sync.v4_task_route(answer.facet, answer.mal_id), answer.mal_id
        )
        -- What failed and rests comes no sooner for a wait.
        AND NOT EXISTS (
            SELECT FROM jikan_sync.queue AS q
            WHERE q.dedupe_key = jikan_sync.v4_task_key(answer.facet, answer.mal_id)
            AND q.failures > 0
            AND q.lease_token IS NULL
            AND q.ready_at > jikan_sync.later(
                jikan_sync.clock_now(), jikan_sync.setting_interval('v4_wait')
            )
        );
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_is_awaited(jikan_sync.v4_answer) IS
'Whether what an answer lacks may still come while its asker waits: somebody fetches, no upstream
has said no, and no failed try rests for longer than that.';

CREATE FUNCTION jikan_sync.v4_stale(answer jikan_sync.v4_answer)
RETURNS integer[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF answer.kind = 'list' AND cardinality(answer.anime_ids) > 0 THEN
        RETURN ARRAY(
            WITH threshold AS MATERIALIZED (
                SELECT t.status, t.stale_before FROM jikan_sync.stale_thresholds('core') AS t
            )

            SELECT a.mal_id
            FROM unnest(answer.anime_ids) WITH ORDINALITY AS i (anime_id, place)
            INNER JOIN jikan.anime AS a ON a.id = i.anime_id
            INNER JOIN threshold AS t ON t.status = jikan_sync.status_class(a.status)
            WHERE a.last_jikan_sync <= t.stale_before
            ORDER BY i.place
            LIMIT 2
        );
    END IF;
    RETURN '{}';
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_stale(jikan_sync.v4_answer) IS
'The first two titles of a list that are stale; the rest is the refresh''s, which follows what is
read.';

CREATE FUNCTION jikan_sync.v4_has_wish(answer jikan_sync.v4_answer)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN coalesce(
        answer.facet IS NOT NULL AND jikan_sync.may_ask(answer.facet, answer.mal_id), false
    )
    OR coalesce(jikan_sync.is_searchable(answer.query), false)
    AND jikan_sync.search_verdict(
        (
            SELECT s
            FROM jikan_sync.search_request AS s
            WHERE s.query_key = jikan_sync.normalise_query(answer.query)
        )
    ) IS NULL
    OR jikan_sync.v4_stale(answer) <> '{}';
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_has_wish(jikan_sync.v4_answer) IS
'Whether `jikan_sync.v4_ask` may find something to ask for, where nothing can be written.';

CREATE FUNCTION jikan_sync.v4_ask(
    answer jikan_sync.v4_answer, OUT was_asked boolean, OUT is_awaited boolean
)
RETURNS record
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_stale integer[] := jikan_sync.v4_stale(answer);
    v_verdict text;
BEGIN
    was_asked := false;
    is_awaited := false;
    IF answer.facet IS NOT NULL AND answer.mal_id IS NOT NULL THEN
        was_asked := jikan_sync.request_facet(answer.facet, answer.mal_id, 'high');
        is_awaited := was_asked OR NOT jikan_sync.is_wanted(
            jikan_sync.v4_task_key(answer.facet, answer.mal_id), 'high'
        );
    END IF;
    IF answer.query IS NOT NULL THEN
        v_verdict := jikan_sync.request_search(answer.query);
        was_asked := v_verdict IN ('wished', 'unavailable');
        is_awaited := v_verdict IN ('wished', 'pending');
    END IF;
    IF v_stale <> '{}' THEN
        was_asked := jikan_sync.request_refresh(v_stale, 1) > 0 OR was_asked;
    END IF;
    IF cardinality(answer.anime_ids) = 1 OR answer.query IS NOT NULL THEN
        PERFORM jikan_sync.count_hit(answer.anime_ids[1]);
    END IF;
    is_awaited := is_awaited AND jikan_sync.v4_is_awaited(answer);
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_ask(jikan_sync.v4_answer) IS
'Asks for what an answer lacks and counts what it read; whether that was anything that nobody had
asked for, and whether a wait may bring a better one.';

CREATE FUNCTION anime.v4_cached(path text, query jsonb, headers jsonb DEFAULT '{}')
RETURNS anime.v4_response
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_answer jikan_sync.v4_answer;
BEGIN
    v_answer := jikan_sync.v4_answer(path, query, headers);
    RETURN jikan_sync.v4_respond(v_answer, jikan_sync.v4_is_awaited(v_answer), false, false);
END;
$$;

COMMENT ON FUNCTION anime.v4_cached(text, jsonb, jsonb) IS
'What Jikan''s REST API answers to GET `path` with `query` (parameter: text), from the database
alone: status, headers and body; writes nothing, asks nobody. Where `is_miss` is true, what was asked
for before may still come. `headers` (in lower case) may hold if-none-match. A request that is wrong
is answered as such: nothing is raised.';

CREATE FUNCTION anime.v4(path text, query jsonb, headers jsonb DEFAULT '{}')
RETURNS anime.v4_response
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_answer jikan_sync.v4_answer := jikan_sync.v4_answer(path, query, headers);
    v_asked record;
BEGIN
    IF current_setting('transaction_read_only')::boolean THEN
        RETURN jikan_sync.v4_respond(
            v_answer,
            jikan_sync.v4_is_awaited(v_answer),
            jikan_sync.v4_has_wish(v_answer),
            false
        );
    END IF;
    v_asked := jikan_sync.v4_ask(v_answer);
    RETURN jikan_sync.v4_respond(v_answer, v_asked.is_awaited, false, v_asked.was_asked);
END;
$$;

COMMENT ON FUNCTION anime.v4(text, jsonb, jsonb) IS
'What Jikan''s REST API answers to GET `path` (with or without /v4) with `query` (parameter: text),
at once from the database: status, headers and body. What is missing or stale is asked for behind
your back; where `is_miss` is true, wait for NOTIFY on `anime_stored` (of a search `anime_search`)
and ask `anime.v4_cached`. `headers` (in lower case) may hold if-none-match and pgjikan-mirror. In a
read-only
transaction or on a standby it only reads; where it would have asked, `has_wish` is true: ask the
primary the same, and wait where `is_miss`. A request that is wrong is answered as such: nothing is
raised.';

GRANT EXECUTE ON FUNCTION anime.v4_cached(text, jsonb, jsonb) TO anime_reader;
GRANT EXECUTE ON FUNCTION anime.v4(text, jsonb, jsonb) TO anime_reader;

COMMIT;
