-- Deploy pgjikan:functions/recommend to pg
-- requires: functions/similar

-- The face: what suits someone who liked these and disliked those. The taste is one vector, the
-- mean of the liked less a share of the mean of the disliked.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.setting (name, value, type, description)
VALUES (
    'recommend_dislike_weight',
    '0.4',
    'number',
    'How far the disliked push away, as a share of how far the liked pull; 0: not at all.'
);

CREATE FUNCTION jikan_sync.taste_vector(liked bigint[], disliked bigint[])
RETURNS halfvec
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        l2_normalize(
            CASE
                WHEN d.mean IS NULL THEN l.mean
                ELSE
                    l.mean - d.mean * array_fill(
                        jikan_sync.setting_number('recommend_dislike_weight')::real,
                        ARRAY[vector_dims(d.mean)]
                    )::halfvec
            END
        )
    FROM (
        SELECT avg(jikan_sync.current_vector(i.id)) AS mean
        FROM unnest(taste_vector.liked) AS i (id)
    ) AS l
    CROSS JOIN (
        SELECT avg(jikan_sync.current_vector(i.id)) AS mean
        FROM unnest(taste_vector.disliked) AS i (id)
    ) AS d;
END;

COMMENT ON FUNCTION jikan_sync.taste_vector(bigint[], bigint[]) IS
'The vector of a taste; NULL where none of the liked has a vector.';

CREATE FUNCTION anime.recommend(
    liked integer[],
    disliked integer[] DEFAULT '{}',
    max_rows integer DEFAULT 10,
    types text[] DEFAULT NULL,
    statuses text[] DEFAULT NULL,
    genres text[] DEFAULT NULL,
    year_from integer DEFAULT NULL,
    year_to integer DEFAULT NULL,
    min_score numeric DEFAULT NULL,
    nsfw boolean DEFAULT false,
    with_franchise boolean DEFAULT false
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
    PERFORM jikan_sync.check_search(max_rows, year_from, year_to, min_score);
    PERFORM jikan_sync.check_mal_ids(liked, 'liked');
    PERFORM jikan_sync.check_mal_ids(disliked, 'disliked');
    IF cardinality(liked) = 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'liked must hold at least one mal_id',
            HINT = 'Without a taste to go by, order anime.catalog by score.';
    END IF;
    v_liked := ARRAY(SELECT a.id FROM jikan.anime AS a WHERE a.mal_id = ANY (liked));
    v_disliked := ARRAY(SELECT a.id FROM jikan.anime AS a WHERE a.mal_id = ANY (disliked));
    RETURN QUERY
    SELECT r.*
    FROM (
        SELECT
            array_agg(n.anime_id ORDER BY n.rank DESC, n.anime_id) AS anime_ids,
            array_agg(n.similarity ORDER BY n.rank DESC, n.anime_id) AS similarities,
            array_agg(n.rank ORDER BY n.rank DESC, n.anime_id) AS ranks
        FROM jikan_sync.nearest(
            jikan_sync.taste_vector(v_liked, v_disliked), max_rows, v_liked || v_disliked,
            with_franchise, types, statuses, genres, year_from, year_to, min_score, nsfw
        ) AS n
    ) AS n
    CROSS JOIN LATERAL jikan_sync.recommendation_rows(
        n.anime_ids, n.similarities, n.ranks, 'semantic'
    ) AS r;
    PERFORM jikan_sync.request_vectors(liked);
END;
$$;

COMMENT ON FUNCTION anime.recommend(
    integer[], integer[], integer, text[], text[], text[], integer, integer, numeric, boolean,
    boolean
) IS
'Anime for someone who liked `liked` and disliked `disliked` (mal_ids, up to 1000 each), best
first, never those themselves. Filters as in `anime.search`; one title of each franchise and none
of theirs, unless `with_franchise`. Ids without a vector count for nothing yet; two of them are
queued.
Raises: 22023 (an argument out of range, nothing liked).';

GRANT EXECUTE ON FUNCTION anime.recommend(
    integer[], integer[], integer, text[], text[], text[], integer, integer, numeric, boolean,
    boolean
) TO anime_reader;

COMMIT;
