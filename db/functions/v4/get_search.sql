-- Deploy pgjikan:functions/v4/get_search to pg
-- requires: functions/v4/list
-- requires: functions/search/search_hits

-- /anime: filters alone, or a search with filters. The order of a search is that of
-- `anime.search`: its hundred best, and where more titles have the words, those after them by
-- members. Those that have the words are found in the indexes of search, so the total is that of
-- all pages together.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.search_matches(query text)
RETURNS bigint[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_all CONSTANT integer := 1000000;
    c_last CONSTANT text := U&'\+10FFFF';
    q jikan_sync.search_query;
BEGIN
    q := jikan_sync.parse_query(query, c_all, jikan_sync.make_filter(nsfw := true));
    IF q.seed = '' THEN
        RETURN ARRAY(
            SELECT DISTINCT t.anime_id
            FROM jikan_sync.find_key(q.key, q.key || c_last, c_all) AS t
        );
    ELSIF cardinality(q.patterns) = 1 THEN
        RETURN ARRAY(SELECT f.anime_id FROM jikan_sync.find_anime(q.seed, c_all) AS f);
    END IF;
    RETURN ARRAY(
        SELECT DISTINCT t.anime_id
        FROM jikan_sync.find_anime(q.seed, c_all) AS f
        INNER JOIN jikan.title AS t ON t.anime_id = f.anime_id
        WHERE (' ' || t.words || ' ' || t.key) LIKE ALL (q.patterns)
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_matches(text) IS
'All anime, in no order, with a title that has all words of the query, or words that begin so.';

CREATE FUNCTION jikan_sync.v4_search(
    request jikan_sync.v4_request, filter jikan_sync.v4_filter
)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    c_ranked CONSTANT integer := 100;
    p jsonb := request.parameters;
    v_page integer := coalesce((p ->> 'page')::integer, 1);
    v_limit integer := coalesce((p ->> 'limit')::integer, 25);
    v_skip bigint := (v_page - 1)::bigint * v_limit;
    v_found record;
    v_ranked bigint[];
    v_ids bigint[];
    v_versions text[];
    v_answer jikan_sync.v4_answer;
BEGIN
    v_found := jikan_sync.search_hits(
        p ->> 'q', c_ranked,
        jikan_sync.make_filter(
            types := CASE WHEN p ? 'type' THEN jikan_sync.v4_meanings('type', p ->> 'type') END,
            statuses := CASE
                WHEN p ? 'status' THEN jikan_sync.v4_meanings('status', p ->> 'status')
            END,
            min_score := coalesce(p ->> 'score', p ->> 'min_score')::double precision,
            nsfw := true,
            unapproved := coalesce((p ->> 'unapproved')::boolean, false)
        )
    );
    v_ranked := ARRAY(SELECT h.anime_id FROM unnest(v_found.hits) AS h);
    filter.anime_ids := v_ranked;
    -- A title with several names that fit takes several places of the ranking's hundred, so it may
    -- leave titles out below that. What only resembles the words is all that there is.
    IF cardinality(v_ranked) >= c_ranked OR EXISTS (
        SELECT FROM unnest(v_found.hits) AS h WHERE h.match IN ('exact', 'prefix')
    )
    THEN
        filter.anime_ids := ARRAY(
            SELECT unnest(v_ranked) UNION SELECT unnest(jikan_sync.search_matches(p ->> 'q'))
        );
    END IF;

    IF p ? 'order_by' THEN
        v_answer := jikan_sync.v4_list(
            request, filter, (jikan_sync.v4_meanings('order', p ->> 'order_by'))[1],
            coalesce(p ->> 'sort', 'asc') = 'desc'
        );
    ELSE
        EXECUTE format(
            'SELECT array_agg(f.anime_id), array_agg(f.version::text) FROM ('
            'SELECT r.anime_id, r.version FROM jikan.v4_row AS r'
            ' LEFT JOIN unnest($10) WITH ORDINALITY AS k (anime_id, place)'
            ' ON k.anime_id = r.anime_id'
            ' WHERE %s ORDER BY k.place NULLS LAST, r.members DESC NULLS LAST, r.mal_id) AS f',
            jikan_sync.v4_condition(filter)
        )
        INTO v_ids, v_versions
        USING filter.all_tags, filter.any_tags, filter.none_tags, filter.score_from,
            filter.score_to, filter.aired_after, filter.aired_before, filter.season_to,
            filter.anime_ids, v_ranked;
        v_ids := coalesce(v_ids, '{}');
        v_skip := least(v_skip, cardinality(v_ids));
        v_answer := jikan_sync.v4_finish(
            request,
            cardinality(v_ids),
            v_page,
            v_limit,
            v_ids[v_skip::integer + 1:v_skip::integer + v_limit],
            coalesce(
                array_to_string(
                    v_versions[v_skip::integer + 1:v_skip::integer + v_limit], ','
                ),
                ''
            )
        );
    END IF;
    IF NOT v_found.is_confident AND (v_ranked = '{}' OR p ?| '{type,status,score,min_score}') THEN
        -- A filter that leaves nothing over says nothing about what is known of the query.
        v_found := jikan_sync.search_hits(
            p ->> 'q', c_ranked, jikan_sync.make_filter(nsfw := true, unapproved := true)
        );
    END IF;
    IF NOT v_found.is_confident THEN
        v_answer.query := p ->> 'q';
        v_answer.is_miss := v_found.hits = '{}';
    END IF;
    RETURN v_answer;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_search(jikan_sync.v4_request, jikan_sync.v4_filter) IS
'The page of a search that a request asks for; where the database has no confident answer, with the
wish to ask an upstream, and worth a wait where it has none at all.';

CREATE FUNCTION jikan_sync.v4_get_search(request jikan_sync.v4_request)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    p jsonb := request.parameters;
    v_filter jikan_sync.v4_filter := jikan_sync.v4_filter(request, true);
BEGIN
    IF p ? 'q' THEN
        RETURN jikan_sync.v4_search(request, v_filter);
    ELSIF p ? 'order_by' THEN
        RETURN jikan_sync.v4_list(
            request, v_filter, (jikan_sync.v4_meanings('order', p ->> 'order_by'))[1],
            coalesce(p ->> 'sort', 'asc') = 'desc'
        );
    END IF;
    RETURN jikan_sync.v4_list(request, v_filter, 'mal_id', false);
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_get_search(jikan_sync.v4_request) IS 'Answers /anime.';

COMMIT;
