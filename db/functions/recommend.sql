-- Deploy pgjikan:functions/recommend to pg
-- requires: functions/similar

-- The face: what suits someone who liked these and disliked those. A taste is not one point: near
-- any one of the liked is what counts most. Of three franchises each, 75 % of held-out members came
-- back so, against 37 % near the mean of all (bench in docs/recommendations.md).

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.taste_mean(anime_ids bigint[])
RETURNS halfvec
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT avg(e.embedding)
    FROM jikan.anime AS a
    INNER JOIN jikan.embedding AS e
        ON
            a.id = e.anime_id
            AND a.embedding_hash = e.input_hash
    WHERE
        a.id = any(taste_mean.anime_ids)
        AND e.model_id = (SELECT jikan_sync.active_model_id());
END;

COMMENT ON FUNCTION jikan_sync.taste_mean(bigint[]) IS
'The mean of the titles'' vectors: its product with a vector is the mean similarity.';

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
    PERFORM jikan_sync.check_search(max_rows, year_from, year_to, min_score);
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
        ORDER BY i.place
    );
    v_disliked := ARRAY(
        SELECT a.id
        FROM unnest(disliked) WITH ORDINALITY AS i (mal_id, place)
        INNER JOIN jikan.anime AS a ON a.mal_id = i.mal_id
        ORDER BY i.place
    );
    RETURN QUERY
    SELECT r.*
    FROM (
        SELECT
            array_agg(n.anime_id ORDER BY n.rank DESC, n.anime_id) AS anime_ids,
            array_agg(n.similarity ORDER BY n.rank DESC, n.anime_id) AS similarities,
            array_agg(n.rank ORDER BY n.rank DESC, n.anime_id) AS ranks,
            array_agg('semantic'::text) AS matches
        FROM jikan_sync.nearest(
            jikan_sync.taste_probes(v_liked), jikan_sync.taste_mean(v_liked),
            jikan_sync.taste_probes(v_disliked), v_liked, max_rows, v_liked || v_disliked,
            with_franchise, types, statuses, genres, year_from, year_to, min_score, nsfw
        ) AS n
    ) AS n
    CROSS JOIN LATERAL jikan_sync.recommendation_rows(
        n.anime_ids, n.similarities, n.ranks, n.matches
    ) AS r;
    PERFORM jikan_sync.request_vectors(liked);
END;
$$;

COMMENT ON FUNCTION anime.recommend(
    integer[], integer[], integer, text[], text[], text[], integer, integer, double precision,
    boolean, boolean
) IS
'Anime for someone who liked `liked` and disliked `disliked` (mal_ids, up to 1000 each), best
first, never those themselves. Filters as in `anime.search`; one title of each franchise and none
of theirs, unless `with_franchise`. Ids without a vector count for nothing yet; two of them are
queued.
Raises: 22023 (an argument out of range, nothing liked).';

GRANT EXECUTE ON FUNCTION anime.recommend(
    integer[], integer[], integer, text[], text[], text[], integer, integer, double precision,
    boolean, boolean
) TO anime_reader;

COMMIT;
