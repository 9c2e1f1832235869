-- Deploy pgjikan:functions/search_semantic to pg
-- requires: functions/nearest
-- requires: functions/recommendation_rows
-- requires: functions/search
-- requires: functions/enqueue
-- requires: functions/finish_embeddings

-- The face: search by meaning. What the words mean and what titles they are like are two rankings,
-- fused by reciprocal rank, which needs no common scale. A query nobody has asked yet has no
-- vector: it is embedded behind the caller's back, who gets the text's answer at once and is told
-- so.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.query_probes(query_key text)
RETURNS halfvec[]
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT ARRAY[v.embedding]
    FROM jikan_sync.query_vector AS v
    WHERE
        v.model_id = (SELECT jikan_sync.active_model_id())
        AND v.query_key = query_probes.query_key;
END;

COMMENT ON FUNCTION jikan_sync.query_probes(text) IS
'The active model''s vector of a query, to search from; NULL: not yet.';

CREATE FUNCTION jikan_sync.request_query_vector(query text, query_key text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Whoever asks the same at this moment is answered, not kept until our transaction ends.
    IF NOT pg_try_advisory_xact_lock(
        hashtextextended('pgjikan.embed_query:' || request_query_vector.query_key, 0)
    ) THEN
        RETURN;
    END IF;
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
'Queues a query to be embedded where it has no vector, and notes that one is in use where it has;
never waits for another who asks the same.';

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
            jikan_sync.query_probes(v_key), NULL, NULL, NULL, v_depth, '{}', true, types, statuses,
            genres, year_from, year_to, min_score, nsfw
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

    SELECT r.*
    FROM (
        SELECT
            array_agg(f.anime_id ORDER BY f.rank DESC, f.anime_id) AS anime_ids,
            array_agg(f.similarity ORDER BY f.rank DESC, f.anime_id) AS similarities,
            array_agg(f.rank::real ORDER BY f.rank DESC, f.anime_id) AS ranks,
            array_agg(f.match ORDER BY f.rank DESC, f.anime_id) AS matches
        FROM fused AS f
    ) AS f
    CROSS JOIN LATERAL jikan_sync.recommendation_rows(
        f.anime_ids, f.similarities, f.ranks, f.matches
    ) AS r;

    IF NOT current_setting('transaction_read_only')::boolean THEN
        PERFORM jikan_sync.request_query_vector(query, v_key);
    END IF;
END;
$$;

COMMENT ON FUNCTION anime.search_semantic(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
) IS
'Anime that mean what `query` says or are called so, best first; `match` says which: semantic,
text or both. Only text in every row: the query has no vector yet and is being embedded, ask
again in a moment. Filters as in `anime.search`.
Raises: 22023 (an argument out of range).';

GRANT EXECUTE ON FUNCTION anime.search_semantic(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
) TO anime_reader;

COMMIT;
