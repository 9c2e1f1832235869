-- Deploy pgjikan:functions/search to pg
-- requires: schema/catalog
-- requires: functions/search_ranked
-- requires: functions/request_search
-- requires: functions/freshness_request
-- requires: functions/count_hits

-- The face of search. The database answers at once with what it has; only after that does it ask:
-- nothing good found, so look upstream behind the caller's back; found but too old, so refresh.
-- Where nothing can be written (a read-only transaction, a standby) it just answers.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TYPE anime.search_result AS (
    mal_id integer,
    title text,
    title_english text,
    title_japanese text,
    type text,
    year integer,
    season text,
    episodes integer,
    status text,
    score numeric (4, 2),
    members integer,
    image_url text,
    matched_title text,
    match text,
    rank real,
    freshness text,
    synced_at timestamptz
);

COMMENT ON TYPE anime.search_result IS
'A row of a search. `matched_title`: the title that fits; `match`: how (exact, prefix, fuzzy, text,
or upstream: an upstream API names it for this query); `rank`: 1 is best; `freshness`: fresh, stale or
pending_embeddings; `synced_at`: when an upstream last vouched for it.';

GRANT USAGE ON TYPE anime.search_result TO anime_reader;

CREATE FUNCTION jikan_sync.check_search(
    max_rows integer,
    year_from integer,
    year_to integer,
    min_score double precision
)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF max_rows IS NULL OR max_rows NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('max_rows must be from 1 to 100, not %s', coalesce(max_rows::text, 'NULL')),
            HINT = 'For whole lists read the view anime.catalog.';
    END IF;
    IF year_from > year_to THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('year_from (%s) is after year_to (%s)', year_from, year_to),
            HINT = 'Swap them.';
    END IF;
    IF min_score NOT BETWEEN 0 AND 10 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('min_score must be from 0 to 10, not %s', min_score),
            HINT = 'MyAnimeList scores run from 1 to 10.';
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.check_search(integer, integer, integer, double precision) IS
'Refuses arguments of the face that cannot be meant. Raises: 22023.';

CREATE FUNCTION jikan_sync.search_rows(
    query text,
    max_rows integer,
    types text[],
    statuses text[],
    genres text[],
    year_from integer,
    year_to integer,
    min_score double precision,
    nsfw boolean
)
RETURNS TABLE (result anime.search_result, anime_id bigint, is_confident boolean)
LANGUAGE plpgsql
STABLE
ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_ids bigint[];
    v_titles text[];
    v_matches text[];
    v_ranks real[];
    v_is_confident boolean;
    v_learned integer[];
BEGIN
    PERFORM jikan_sync.check_search(max_rows, year_from, year_to, min_score);

    SELECT
        array_agg(s.anime_id ORDER BY s.position),
        array_agg(s.matched_title ORDER BY s.position),
        array_agg(s.match ORDER BY s.position),
        array_agg(s.rank ORDER BY s.position),
        coalesce(bool_or(s.is_confident), false)
    INTO v_ids, v_titles, v_matches, v_ranks, v_is_confident
    FROM jikan_sync.search_ranked(
        search_rows.query, search_rows.max_rows, search_rows.types, search_rows.statuses,
        search_rows.genres, search_rows.year_from, search_rows.year_to, search_rows.min_score,
        search_rows.nsfw
    ) WITH ORDINALITY AS s (anime_id, matched_title, match, rank, is_confident, position);

    IF NOT v_is_confident THEN
        v_learned := jikan_sync.learned_mal_ids(jikan_sync.normalise_query(query));
    END IF;

    IF v_learned IS NULL OR v_learned = '{}' THEN
        RETURN QUERY
        SELECT
            ROW(
                c.mal_id, c.title, c.title_english, c.title_japanese, c.type, c.year, c.season,
                c.episodes, c.status, c.score, c.members, c.image_url, h.title, h.match, h.rank,
                c.freshness, c.synced_at
            )::anime.search_result,
            c.anime_id,
            v_is_confident
        FROM unnest(v_ids, v_titles, v_matches, v_ranks)
        WITH ORDINALITY AS h (anime_id, title, match, rank, position)
        INNER JOIN anime.catalog AS c ON c.anime_id = h.anime_id
        ORDER BY h.position;
        RETURN;
    END IF;

    -- What an upstream named for these words goes before what merely resembles them.
    RETURN QUERY
    SELECT
        ROW(
            c.mal_id, c.title, c.title_english, c.title_japanese, c.type, c.year, c.season,
            c.episodes, c.status, c.score, c.members, c.image_url, coalesce(h.title, c.title),
            h.match, h.rank, c.freshness, c.synced_at
        )::anime.search_result,
        c.anime_id,
        true
    FROM (
        SELECT
            a.id AS anime_id,
            NULL::text AS title,
            'upstream' AS match,
            (0.5 / l.position)::real AS rank,
            l.position
        FROM unnest(v_learned) WITH ORDINALITY AS l (mal_id, position)
        INNER JOIN jikan.anime AS a ON a.mal_id = l.mal_id
        UNION ALL
        SELECT
            f.anime_id,
            f.title,
            f.match,
            f.rank,
            1000 + f.position
        FROM unnest(v_ids, v_titles, v_matches, v_ranks)
        WITH ORDINALITY AS f (anime_id, title, match, rank, position)
        WHERE NOT EXISTS (
            SELECT 1 FROM jikan.anime AS b
            WHERE b.id = f.anime_id AND b.mal_id = ANY (v_learned)
        )
    ) AS h
    INNER JOIN anime.catalog AS c ON c.anime_id = h.anime_id
    WHERE c.removed_at IS NULL
        AND (search_rows.nsfw OR NOT c.is_nsfw)
        AND (search_rows.types IS NULL OR c.type = ANY (search_rows.types))
        AND (search_rows.statuses IS NULL OR c.status = ANY (search_rows.statuses))
        AND (search_rows.genres IS NULL OR c.genres @> (
            SELECT array_agg(lower(g.name)) FROM unnest(search_rows.genres) AS g (name)
        ))
        AND (search_rows.year_from IS NULL OR c.year >= search_rows.year_from)
        AND (search_rows.year_to IS NULL OR c.year <= search_rows.year_to)
        AND (search_rows.min_score IS NULL OR c.score >= search_rows.min_score)
    ORDER BY h.position
    LIMIT search_rows.max_rows;
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_rows(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
) IS
'The rows of a search with what decides on asking upstream: their keys, and whether the answer is
confident (the same on every row). Raises: 22023.';

CREATE FUNCTION anime.search_cached(
    query text,
    max_rows integer DEFAULT 20,
    types text[] DEFAULT NULL,
    statuses text[] DEFAULT NULL,
    genres text[] DEFAULT NULL,
    year_from integer DEFAULT NULL,
    year_to integer DEFAULT NULL,
    min_score double precision DEFAULT NULL,
    nsfw boolean DEFAULT FALSE
)
RETURNS SETOF anime.search_result
LANGUAGE plpgsql
STABLE
ROWS 20
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT (s.result).*
    FROM jikan_sync.search_rows(
        query, max_rows, types, statuses, genres, year_from, year_to, min_score, nsfw
    ) AS s;
END;
$$;

COMMENT ON FUNCTION anime.search_cached(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
) IS
'Anime whose titles fit `query`, best first, from the database alone; writes nothing, asks nobody.
Filters: `types` (TV, Movie …), `statuses`, `genres` (all of them, any case), `year_from`, `year_to`,
`min_score`, `nsfw`; at most `max_rows` (1 to 100). Raises: 22023 (an argument out of range).';

CREATE FUNCTION anime.search(
    query text,
    max_rows integer DEFAULT 20,
    types text[] DEFAULT NULL,
    statuses text[] DEFAULT NULL,
    genres text[] DEFAULT NULL,
    year_from integer DEFAULT NULL,
    year_to integer DEFAULT NULL,
    min_score double precision DEFAULT NULL,
    nsfw boolean DEFAULT FALSE
)
RETURNS SETOF anime.search_result
LANGUAGE plpgsql
VOLATILE
ROWS 20
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_row record;
    v_is_confident boolean := false;
    v_anime_ids bigint[] := '{}';
    v_stale integer[] := '{}';
BEGIN
    FOR v_row IN
        SELECT s.*
        FROM jikan_sync.search_rows(
            query, max_rows, types, statuses, genres, year_from, year_to, min_score, nsfw
        ) AS s
    LOOP
        v_is_confident := v_row.is_confident;
        v_anime_ids := v_anime_ids || v_row.anime_id;
        IF (v_row.result).freshness = 'stale' THEN
            v_stale := v_stale || (v_row.result).mal_id;
        END IF;
        RETURN NEXT v_row.result;
    END LOOP;

    IF current_setting('transaction_read_only')::boolean THEN
        RETURN;
    END IF;
    IF NOT v_is_confident THEN
        PERFORM jikan_sync.request_search(query);
    END IF;
    IF v_stale <> '{}' THEN
        PERFORM jikan_sync.request_refresh(v_stale, CASE WHEN v_is_confident THEN 2 ELSE 1 END);
    END IF;
    PERFORM jikan_sync.count_hits(v_anime_ids);
END;
$$;

COMMENT ON FUNCTION anime.search(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
) IS
'Anime whose titles fit `query`, best first, at once from the database. When nothing fits well the
query goes upstream behind your back, and what is stale is refreshed: ask again in a second, LISTEN
anime_search, or use `CALL anime.search_live`. Filters: `types` (TV, Movie …), `statuses`, `genres`
(all of them, any case), `year_from`, `year_to`, `min_score`, `nsfw`; at most `max_rows` (1 to 100).
In a read-only transaction or on a standby it only reads. Raises: 22023 (an argument out of range).';

GRANT EXECUTE ON FUNCTION anime.search_cached(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
) TO anime_reader;
GRANT EXECUTE ON FUNCTION anime.search(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
) TO anime_reader;

COMMIT;
