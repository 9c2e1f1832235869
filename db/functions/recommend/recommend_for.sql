-- Deploy pgjikan:functions/recommend/recommend_for to pg
-- requires: functions/recommend/recommend

-- The face: what suits a person by the list that they keep anyway. Above the middle a score likes,
-- below it dislikes; what was seen and not scored is only left out.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.read_scores(scores jsonb)
RETURNS TABLE (mal_id integer, score double precision)
LANGUAGE plpgsql
IMMUTABLE
ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_fault text;
BEGIN
    IF scores IS NULL OR jsonb_typeof(scores) NOT IN ('object', 'array') THEN
        v_fault := 'scores must be a JSON object or array';
    ELSIF pg_column_size(scores) > 5000000 THEN
        v_fault := 'scores must have 5 MB at most';
    ELSE
        SELECT format('%s has the score %s', coalesce(e.mal_id, 'an entry'), coalesce(e.score, 'null'))
        INTO v_fault
        FROM (
            SELECT o.key AS mal_id, o.value AS score
            FROM jsonb_each_text(
                CASE jsonb_typeof(scores) WHEN 'object' THEN scores ELSE '{}' END
            ) AS o
            UNION ALL
            SELECT a.entry ->> 'mal_id', a.entry ->> 'score'
            FROM jsonb_array_elements(
                CASE jsonb_typeof(scores) WHEN 'array' THEN scores ELSE '[]' END
            ) AS a (entry)
        ) AS e
        WHERE e.mal_id !~ '^[1-9][0-9]{0,8}$' IS NOT FALSE
            OR e.score !~ '^(10|[0-9])(\.[0-9]{1,4})?$'
            OR e.score ~ '^10\..*[1-9]'
        LIMIT 1;
    END IF;
    IF v_fault IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = left(v_fault, 200),
            HINT = 'Pass {"mal_id": score, …} or [{"mal_id": …, "score": …}, …]; scores are 1 to 10, '
                || '0 or null for what was seen and not scored.';
    END IF;
    RETURN QUERY
    SELECT e.mal_id::integer, max(e.score::double precision)
    FROM (
        SELECT o.key AS mal_id, o.value AS score
        FROM jsonb_each_text(
            CASE jsonb_typeof(scores) WHEN 'object' THEN scores ELSE '{}' END
        ) AS o
        UNION ALL
        SELECT a.entry ->> 'mal_id', a.entry ->> 'score'
        FROM jsonb_array_elements(
            CASE jsonb_typeof(scores) WHEN 'array' THEN scores ELSE '[]' END
        ) AS a (entry)
    ) AS e
    GROUP BY e.mal_id::integer;
END;
$$;

COMMENT ON FUNCTION jikan_sync.read_scores(jsonb) IS
'A person''s scores as rows, from {"mal_id": score} or [{"mal_id", "score"}]. Raises: 22023.';

CREATE FUNCTION anime.recommend_for(
    scores jsonb,
    max_rows integer DEFAULT 10,
    types text[] DEFAULT NULL,
    statuses text[] DEFAULT NULL,
    genres text[] DEFAULT NULL,
    year_from integer DEFAULT NULL,
    year_to integer DEFAULT NULL,
    min_score double precision DEFAULT NULL,
    nsfw boolean DEFAULT FALSE,
    with_franchise boolean DEFAULT FALSE
)
RETURNS SETOF anime.recommendation
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- More likes say nothing new and take time.
    c_most CONSTANT integer := 500;
    v_liked bigint[];
    v_liked_weights real[];
    v_disliked bigint[];
    v_disliked_weights real[];
    v_seen bigint[];
    v_asked integer[];
    v_has_liked boolean;
BEGIN
    PERFORM jikan_sync.check_search(
        max_rows, year_from, year_to, min_score, types, statuses
    );

    SELECT
        array_agg(s.id ORDER BY s.weight DESC, s.mal_id) FILTER (WHERE s.weight > 0),
        array_agg(s.weight ORDER BY s.weight DESC, s.mal_id) FILTER (WHERE s.weight > 0),
        array_agg(s.id ORDER BY s.weight, s.mal_id) FILTER (WHERE s.weight < 0),
        array_agg(-s.weight ORDER BY s.weight, s.mal_id) FILTER (WHERE s.weight < 0),
        array_agg(s.id),
        array_agg(s.mal_id ORDER BY s.weight DESC NULLS LAST, s.mal_id)
            FILTER (WHERE s.weight > 0 OR s.id IS NULL),
        bool_or(s.weight > 0)
    INTO
        v_liked, v_liked_weights, v_disliked, v_disliked_weights, v_seen, v_asked, v_has_liked
    FROM (
        SELECT
            r.mal_id,
            a.id,
            ((nullif(r.score, 0) - 5) / 5)::real AS weight
        FROM jikan_sync.read_scores(scores) AS r
        LEFT JOIN jikan.anime AS a ON a.mal_id = r.mal_id
    ) AS s;

    -- Mirrored or not: the answer to the same list must not turn into an error.
    IF v_has_liked IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'scores must hold at least one title scored above 5',
            HINT = 'Without a taste to go by, order anime.catalog by score.';
    END IF;
    RETURN QUERY
    SELECT p.*
    FROM jikan_sync.pick_recommendations(
        coalesce(v_liked[:c_most], '{}'), coalesce(v_liked_weights[:c_most], '{}'),
        coalesce(v_disliked[:c_most], '{}'), coalesce(v_disliked_weights[:c_most], '{}'),
        array_remove(v_seen, NULL),
        jikan_sync.setting_number('recommend_popularity_weight')::double precision,
        max_rows, with_franchise,
        jikan_sync.make_filter(types, statuses, genres, year_from, year_to, min_score, nsfw)
    ) AS p;
    PERFORM jikan_sync.request_vectors(v_asked);
END;
$$;

COMMENT ON FUNCTION anime.recommend_for(
    jsonb, integer, text[], text[], text[], integer, integer, double precision, boolean, boolean
) IS
'Anime for a person by their scores, {"mal_id": score, …} or [{"mal_id": …, "score": …}, …]: the
further above 5 the more a title is liked, the further below the more disliked; 0 or null was seen
and not scored. None of them is in the answer. The 500 best liked and most disliked count. All else
as in `anime.recommend`. Raises: 22023 (no such list, an argument out of range, nothing liked).';

GRANT EXECUTE ON FUNCTION anime.recommend_for(
    jsonb, integer, text[], text[], text[], integer, integer, double precision, boolean, boolean
) TO anime_reader;

COMMIT;
