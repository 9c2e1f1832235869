-- Deploy pgjikan:functions/recommend/similar to pg
-- requires: functions/recommend/pick_recommendations
-- requires: functions/recommend/request_vectors
-- requires: functions/freshness/count_hit
-- requires: functions/face/check_arguments

-- The face: what goes with one title. Votes need no vector, so a title that has none yet is
-- answered for by them and its facts, and its vector is asked for.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION anime.similar(
    mal_id integer,
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
    v_id bigint;
    v_hash uuid;
BEGIN
    PERFORM jikan_sync.check_search(
        max_rows, year_from, year_to, min_score, types, statuses
    );
    PERFORM jikan_sync.check_mal_ids(ARRAY[mal_id], 'mal_id');
    SELECT a.id, a.embedding_hash INTO v_id, v_hash
    FROM jikan.anime AS a
    WHERE a.mal_id = "similar".mal_id;
    PERFORM jikan_sync.count_hit(v_id);
    IF v_id IS NOT NULL THEN
        RETURN QUERY
        SELECT p.*
        FROM jikan_sync.pick_recommendations(
            ARRAY[v_id], '{1}', '{}', '{}', '{}', 0, max_rows, with_franchise,
            jikan_sync.make_filter(types, statuses, genres, year_from, year_to, min_score, nsfw)
        ) AS p;
    END IF;
    IF v_id IS NULL OR NOT jikan_sync.has_current_vector(v_id, v_hash) THEN
        PERFORM jikan_sync.request_vectors(ARRAY[mal_id]);
    END IF;
END;
$$;

COMMENT ON FUNCTION anime.similar(
    integer, integer, text[], text[], text[], integer, integer, double precision, boolean, boolean
) IS
'Anime that go with the one with this `mal_id`, best first: what people recommend with it, then what
is alike; `why` says which. Filters as in `anime.search`; one title of each franchise and none of
its own, unless `with_franchise`. No rows for a title that is not mirrored: it is queued, ask again
in a moment. Raises: 22023 (an argument out of range).';

GRANT EXECUTE ON FUNCTION anime.similar(
    integer, integer, text[], text[], text[], integer, integer, double precision, boolean, boolean
) TO anime_reader;

COMMIT;
