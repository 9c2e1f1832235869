-- Deploy pgjikan:functions/search/search_semantic to pg
-- requires: functions/recommend/nearest
-- requires: functions/recommend/recommendation_rows
-- requires: functions/search/search
-- requires: functions/embeddings/request_vector
-- requires: functions/embeddings/current_vector
-- requires: functions/search/story_hits

-- The face: search by meaning. Three legs: the words of the story, the likeness of the vectors, and
-- the title, in case it is one. Measured on descriptions of plots (bench/semantic.py) the words
-- lead, each by its rarity, and the vector tells apart what they leave level. A query nobody has
-- asked yet has no vector: it is embedded behind the caller's back, who gets the words' answer at
-- once and is told so.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.query_probe(query_key text)
RETURNS halfvec
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT v.embedding
    FROM jikan_sync.query_vector AS v
    WHERE
        v.model_id = (SELECT jikan_sync.active_model_id())
        AND v.query_key = query_probe.query_key;
END;

COMMENT ON FUNCTION jikan_sync.query_probe(text) IS
'The active model''s vector of a query, to search from; NULL: not yet.';

CREATE FUNCTION jikan_sync.query_likeness(query_key text, anime_ids bigint[])
RETURNS TABLE (anime_id bigint, similarity real)
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        e.anime_id,
        jikan_sync.vector_product(e.embedding, v.embedding)::real
    FROM jikan_sync.query_vector AS v
    CROSS JOIN jikan.anime AS a
    CROSS JOIN LATERAL jikan_sync.current_vector(a.id, a.embedding_hash) AS e
    WHERE
        v.model_id = (SELECT jikan_sync.active_model_id())
        AND v.query_key = query_likeness.query_key
        AND v.model_id = e.model_id
        AND e.anime_id = any(query_likeness.anime_ids);
END;

COMMENT ON FUNCTION jikan_sync.query_likeness(text, bigint[]) IS
'How like a query these anime are, by current vectors of the active model.';

CREATE FUNCTION anime.search_semantic(
    query text,
    max_rows integer DEFAULT 10,
    types text[] DEFAULT NULL,
    statuses text[] DEFAULT NULL,
    genres text[] DEFAULT NULL,
    year_from integer DEFAULT NULL,
    year_to integer DEFAULT NULL,
    min_score double precision DEFAULT NULL,
    nsfw boolean DEFAULT FALSE
)
RETURNS SETOF anime.recommendation
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_key text := jikan_sync.normalise_query(query);
    v_depth integer := greatest(max_rows, 20);
    v_meaning_weight double precision := jikan_sync.setting_number('semantic_meaning_weight');
    v_title_weight double precision := jikan_sync.setting_number('semantic_title_weight');
    v_filter jikan_sync.face_filter;
BEGIN
    PERFORM jikan_sync.check_search(
        max_rows, year_from, year_to, min_score, types, statuses
    );
    IF coalesce(v_key, '') = '' THEN
        RETURN;
    END IF;
    v_filter := jikan_sync.make_filter(
        types, statuses, genres, year_from, year_to, min_score, nsfw
    );
    RETURN QUERY
    WITH meaning AS MATERIALIZED (
        SELECT n.anime_id, n.similarity
        FROM jikan_sync.nearest(
            jikan_sync.query_probe(v_key), v_depth, v_filter
        ) AS n
    ),

    story AS MATERIALIZED (
        SELECT h.anime_id, h.strength / max(h.strength) OVER () AS share
        FROM jikan_sync.story_hits(query, greatest(v_depth, 100), v_filter) AS h
    ),

    named AS (
        SELECT a.id AS anime_id, s.rank
        FROM anime.search_cached(
            query, v_depth, types, statuses, genres, year_from, year_to, min_score, nsfw
        ) AS s
        INNER JOIN jikan.anime AS a ON a.mal_id = s.mal_id
        -- That leg finds words in stories too, but not as well.
        WHERE s.match <> 'text'
    ),

    candidate AS (
        SELECT m.anime_id FROM meaning AS m
        UNION
        SELECT t.anime_id FROM story AS t
        UNION
        SELECT n.anime_id FROM named AS n
    ),

    fused AS (
        SELECT
            c.anime_id,
            l.similarity,
            coalesce(t.share, 0)
                + v_meaning_weight * greatest(coalesce(l.similarity, 0), 0)
                + v_title_weight * coalesce(n.rank, 0) AS rank,
            CASE
                WHEN t.anime_id IS NULL AND n.anime_id IS NULL THEN 'semantic'
                WHEN m.anime_id IS NULL THEN 'text'
                ELSE 'both'
            END AS match
        FROM candidate AS c
        LEFT JOIN meaning AS m ON m.anime_id = c.anime_id
        LEFT JOIN story AS t ON t.anime_id = c.anime_id
        LEFT JOIN named AS n ON n.anime_id = c.anime_id
        LEFT JOIN jikan_sync.query_likeness(
            v_key, ARRAY(SELECT o.anime_id FROM candidate AS o)
        ) AS l ON l.anime_id = c.anime_id
        ORDER BY rank DESC, c.anime_id
        LIMIT max_rows
    )

    SELECT r.*
    FROM (
        SELECT
            array_agg(f.anime_id ORDER BY f.rank DESC, f.anime_id) AS anime_ids,
            array_agg(f.similarity ORDER BY f.rank DESC, f.anime_id) AS similarities,
            array_agg(f.rank::real ORDER BY f.rank DESC, f.anime_id) AS ranks,
            array_agg(f.match ORDER BY f.rank DESC, f.anime_id) AS matches,
            array_agg(
                CASE f.match
                    WHEN 'semantic' THEN 'its meaning'
                    WHEN 'text' THEN 'its words'
                    ELSE 'its words and meaning'
                END
                ORDER BY f.rank DESC, f.anime_id
            ) AS whys
        FROM fused AS f
    ) AS f
    CROSS JOIN LATERAL jikan_sync.recommendation_rows(
        f.anime_ids, f.similarities, f.ranks, f.matches, f.whys
    ) AS r;

    PERFORM jikan_sync.request_query_vector(query, v_key);
END;
$$;

COMMENT ON FUNCTION anime.search_semantic(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
) IS
'Anime that mean what `query` says or are called so, best first; `match` says which: semantic,
text or both. Only text in every row: the query has no vector yet and is being embedded, ask
again in a moment. Filters as in `anime.search`. In any language the model knows.
Raises: 22023 (an argument out of range).';

GRANT EXECUTE ON FUNCTION anime.search_semantic(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
) TO anime_reader;

COMMIT;
