-- Deploy pgjikan:functions/similar to pg
-- requires: functions/nearest
-- requires: functions/recommendation_rows
-- requires: functions/freshness_request
-- requires: functions/has_current_vector

-- The face: what is like one title. A title that has no vector yet is asked for and will have one
-- in a moment; the answer is empty until then.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.taste_probes(anime_ids bigint[])
RETURNS halfvec[]
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT array_agg(p.embedding ORDER BY p.place)
    FROM (
        SELECT
            f.embedding,
            f.place
        FROM (
            SELECT DISTINCT ON (coalesce(f.franchise_id, a.mal_id))
                e.embedding,
                i.place
            FROM unnest(taste_probes.anime_ids) WITH ORDINALITY AS i (id, place)
            INNER JOIN jikan.anime AS a ON a.id = i.id
            INNER JOIN jikan.embedding AS e
                ON
                    a.id = e.anime_id
                    AND a.embedding_hash = e.input_hash
                    AND e.model_id = (SELECT jikan_sync.active_model_id())
            LEFT JOIN jikan.franchise AS f ON a.mal_id = f.mal_id
            ORDER BY coalesce(f.franchise_id, a.mal_id), i.place
        ) AS f
        ORDER BY f.place
        LIMIT 10
    ) AS p;
END;

COMMENT ON FUNCTION jikan_sync.taste_probes(bigint[]) IS
'Vectors to search from: of the first title of each of the first ten franchises.';

CREATE FUNCTION jikan_sync.request_vectors(mal_ids integer[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_mal_id integer;
BEGIN
    IF current_setting('transaction_read_only')::boolean THEN
        RETURN;
    END IF;
    FOR v_mal_id IN
        SELECT m.mal_id
        FROM unnest(mal_ids) WITH ORDINALITY AS m (mal_id, number)
        LEFT JOIN jikan.anime AS a ON a.mal_id = m.mal_id
        WHERE a.removed_at IS NULL
            AND (a.id IS NULL OR NOT jikan_sync.has_current_vector(a.id, a.embedding_hash))
        ORDER BY m.number
        LIMIT 2
    LOOP
        PERFORM jikan_sync.request_task(
            CASE WHEN EXISTS (SELECT FROM jikan.anime AS a WHERE a.mal_id = v_mal_id)
                THEN 'embed' ELSE 'anime' END,
            v_mal_id,
            'high'
        );
    END LOOP;
END;
$$;

COMMENT ON FUNCTION jikan_sync.request_vectors(integer[]) IS
'Queues as high what the first two titles lack, which have no current vector: the title or its
vector.';

CREATE FUNCTION jikan_sync.check_mal_ids(mal_ids integer[], name text)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF mal_ids IS NULL OR cardinality(mal_ids) > 1000
        OR EXISTS (SELECT FROM unnest(mal_ids) AS m (mal_id) WHERE m.mal_id IS NULL OR m.mal_id < 1)
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('%s must be positive integers, at most 1000 of them', name),
            HINT = 'A mal_id is the number in https://myanimelist.net/anime/NUMBER.';
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.check_mal_ids(integer[], text) IS
'Refuses ids that cannot be meant. Raises: 22023.';

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
BEGIN
    PERFORM jikan_sync.check_search(max_rows, year_from, year_to, min_score);
    PERFORM jikan_sync.check_mal_ids(ARRAY[mal_id], 'mal_id');
    SELECT a.id INTO v_id FROM jikan.anime AS a WHERE a.mal_id = "similar".mal_id;
    RETURN QUERY
    SELECT r.*
    FROM (
        SELECT
            array_agg(n.anime_id ORDER BY n.rank DESC, n.anime_id) AS anime_ids,
            array_agg(n.similarity ORDER BY n.rank DESC, n.anime_id) AS similarities,
            array_agg(n.rank ORDER BY n.rank DESC, n.anime_id) AS ranks,
            array_agg('semantic'::text) AS matches
        FROM jikan_sync.nearest(
            jikan_sync.taste_probes(ARRAY[v_id]), NULL, NULL, ARRAY[v_id], max_rows, ARRAY[v_id],
            with_franchise, types, statuses, genres, year_from, year_to, min_score, nsfw
        ) AS n
    ) AS n
    CROSS JOIN LATERAL jikan_sync.recommendation_rows(
        n.anime_ids, n.similarities, n.ranks, n.matches
    ) AS r;
    IF NOT FOUND THEN
        PERFORM jikan_sync.request_vectors(ARRAY[mal_id]);
    END IF;
END;
$$;

COMMENT ON FUNCTION anime.similar(
    integer, integer, text[], text[], text[], integer, integer, double precision, boolean, boolean
) IS
'Anime like the one with this `mal_id`, nearest first. Filters as in `anime.search`; one title of
each franchise and none of its own, unless `with_franchise`. No rows for a title without a
vector: it is queued, ask again in a moment.
Raises: 22023 (an argument out of range).';

GRANT EXECUTE ON FUNCTION anime.similar(
    integer, integer, text[], text[], text[], integer, integer, double precision, boolean, boolean
) TO anime_reader;

COMMIT;
