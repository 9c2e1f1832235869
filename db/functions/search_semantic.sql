-- Deploy pgjikan:functions/search_semantic to pg
-- requires: functions/nearest
-- requires: functions/search
-- requires: functions/enqueue
-- requires: functions/finish_embeddings

-- The face: search by meaning. What the words mean and what titles they are like are two rankings,
-- fused by reciprocal rank, which needs no common scale. A query nobody has asked yet has no
-- vector: it is embedded behind the caller's back, who gets the text's answer at once and is told
-- so.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.query_embedding(query_key text)
RETURNS halfvec
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT v.embedding
    FROM jikan_sync.query_vector AS v
    WHERE v.model_id = (SELECT jikan_sync.active_model_id())
        AND v.query_key = query_embedding.query_key;
END;

COMMENT ON FUNCTION jikan_sync.query_embedding(text) IS
'The active model''s vector of a query; NULL: not yet.';

CREATE FUNCTION jikan_sync.request_query_vector(query text, query_key text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF jikan_sync.lacks_query_vector(query_key) THEN
        PERFORM jikan_sync.enqueue(
            'embed_query',
            payload => jsonb_build_object('query_key', query_key, 'query', left(btrim(query), 200)),
            priority => 'high'
        );
    END IF;
    UPDATE jikan_sync.query_vector AS v
    SET used_at = jikan_sync.clock_now()
    WHERE v.model_id = jikan_sync.active_model_id()
        AND v.query_key = request_query_vector.query_key
        AND v.used_at < jikan_sync.clock_now() - interval '1 hour';
END;
$$;

COMMENT ON FUNCTION jikan_sync.request_query_vector(text, text) IS
'Queues a query to be embedded where it has no vector, and notes that one is in use where it has.';

CREATE FUNCTION anime.search_semantic(
    query text,
    max_rows integer DEFAULT 10,
    types text[] DEFAULT NULL,
    statuses text[] DEFAULT NULL,
    genres text[] DEFAULT NULL,
    year_from integer DEFAULT NULL,
    year_to integer DEFAULT NULL,
    min_score numeric DEFAULT NULL,
    nsfw boolean DEFAULT false
)
RETURNS SETOF anime.recommendation
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_damping CONSTANT integer := 60;
    v_key text := jikan_sync.normalise_query(query);
    v_depth integer := greatest(max_rows, 20);
BEGIN
    PERFORM jikan_sync.check_search(max_rows, year_from, year_to, min_score);
    IF coalesce(v_key, '') = '' THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH meaning AS (
        SELECT
            n.anime_id,
            n.similarity,
            row_number() OVER (ORDER BY n.rank DESC, n.anime_id) AS place
        FROM jikan_sync.nearest(
            jikan_sync.query_embedding(v_key), v_depth, '{}', true, types, statuses, genres,
            year_from, year_to, min_score, nsfw
        ) AS n
    ),

    word AS (
        SELECT a.id AS anime_id, s.place
        FROM anime.search_cached(
            query, v_depth, types, statuses, genres, year_from, year_to, min_score, nsfw
        ) WITH ORDINALITY AS s (
            mal_id, title, title_english, title_japanese, type, year, season, episodes, status,
            score, members, image_url, matched_title, match, rank, freshness, synced_at, place
        )
        INNER JOIN jikan.anime AS a ON a.mal_id = s.mal_id
    ),

    fused AS (
        SELECT
            coalesce(m.anime_id, w.anime_id) AS anime_id,
            m.similarity,
            coalesce(1.0 / (c_damping + m.place), 0)
                + coalesce(1.0 / (c_damping + w.place), 0) AS rank,
            CASE
                WHEN w.anime_id IS NULL THEN 'semantic'
                WHEN m.anime_id IS NULL THEN 'text'
                ELSE 'both'
            END AS match
        FROM meaning AS m
        FULL JOIN word AS w ON w.anime_id = m.anime_id
        ORDER BY rank DESC, m.place, w.place
        LIMIT max_rows
    )

    SELECT
        c.mal_id,
        c.title,
        c.title_english,
        c.title_japanese,
        c.type,
        c.year,
        c.season,
        c.episodes,
        c.status,
        c.score,
        c.members,
        c.image_url,
        f.similarity,
        f.rank::real,
        f.match,
        c.freshness,
        c.synced_at
    FROM fused AS f
    INNER JOIN anime.catalog AS c ON c.anime_id = f.anime_id
    ORDER BY f.rank DESC, f.similarity DESC NULLS LAST, c.mal_id;

    IF NOT current_setting('transaction_read_only')::boolean THEN
        PERFORM jikan_sync.request_query_vector(query, v_key);
    END IF;
END;
$$;

COMMENT ON FUNCTION anime.search_semantic(
    text, integer, text[], text[], text[], integer, integer, numeric, boolean
) IS
'Anime that mean what `query` says or are called so, best first; `match` says which: semantic,
text or both. Only text in every row: the query has no vector yet and is being embedded, ask
again in a moment. Filters as in `anime.search`.
Raises: 22023 (an argument out of range).';

GRANT EXECUTE ON FUNCTION anime.search_semantic(
    text, integer, text[], text[], text[], integer, integer, numeric, boolean
) TO anime_reader;

COMMIT;
