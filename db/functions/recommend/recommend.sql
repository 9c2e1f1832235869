-- Deploy pgjikan:functions/recommend/recommend to pg
-- requires: functions/recommend/pick_recommendations
-- requires: functions/recommend/request_vectors
-- requires: functions/face/check_arguments

-- The face: what suits someone who liked these and disliked those, or who scored them. All that is
-- liked counts, in its mean: what goes with several is likelier than what goes with one.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION anime.recommend(
    liked integer[],
    disliked integer[] DEFAULT '{}',
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
    v_liked bigint[];
    v_disliked bigint[];
BEGIN
    PERFORM jikan_sync.check_search(
        max_rows, year_from, year_to, min_score, types, statuses
    );
    PERFORM jikan_sync.check_mal_ids(liked, 'liked');
    PERFORM jikan_sync.check_mal_ids(disliked, 'disliked');
    IF cardinality(liked) = 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'liked must hold at least one mal_id',
            HINT = 'Without a taste to go by, order anime.catalog by score.';
    END IF;
    v_liked := ARRAY(
        SELECT a.id
        FROM unnest(liked) WITH ORDINALITY AS i (mal_id, place)
        INNER JOIN jikan.anime AS a ON a.mal_id = i.mal_id
        GROUP BY a.id
        ORDER BY min(i.place)
    );
    v_disliked := ARRAY(
        SELECT a.id
        FROM unnest(disliked) WITH ORDINALITY AS i (mal_id, place)
        INNER JOIN jikan.anime AS a ON a.mal_id = i.mal_id
        GROUP BY a.id
        ORDER BY min(i.place)
    );
    RETURN QUERY
    SELECT p.*
    FROM jikan_sync.pick_recommendations(
        v_liked, array_fill(1::real, ARRAY[cardinality(v_liked)]),
        v_disliked, array_fill(1::real, ARRAY[cardinality(v_disliked)]),
        '{}', jikan_sync.setting_number('recommend_popularity_weight')::double precision,
        max_rows, with_franchise,
        jikan_sync.make_filter(types, statuses, genres, year_from, year_to, min_score, nsfw)
    ) AS p;
    PERFORM jikan_sync.request_vectors(liked);
END;
$$;

COMMENT ON FUNCTION anime.recommend(
    integer[], integer[], integer, text[], text[], text[], integer, integer, double precision,
    boolean, boolean
) IS
'Anime for someone who liked `liked` and disliked `disliked` (mal_ids, up to 1000 each), best first,
never those themselves; `why` says what led to each. Filters as in `anime.search`; one title of each
franchise and none of theirs, unless `with_franchise`. Ids that are not mirrored count for nothing
yet; two of them are queued. Raises: 22023 (an argument out of range, nothing liked).';

GRANT EXECUTE ON FUNCTION anime.recommend(
    integer[], integer[], integer, text[], text[], text[], integer, integer, double precision,
    boolean, boolean
) TO anime_reader;

COMMIT;
