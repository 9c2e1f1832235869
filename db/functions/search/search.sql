-- Deploy pgjikan:functions/search/search to pg
-- requires: schema/catalog
-- requires: functions/search/search_hits
-- requires: functions/search/highlight
-- requires: functions/search/request_search
-- requires: functions/freshness/request_refresh
-- requires: functions/freshness/count_hit

-- The face of search. The database answers at once with what it has; only after that does it ask:
-- nothing good found, so look upstream behind the caller's back; found but too old, so refresh.
-- Where nothing can be written (a read-only transaction, a standby) it just answers. One plan for
-- all: for few rows the server would make one anew each time, in 0.7 ms.

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
    synced_at timestamptz,
    highlight integer []
);

COMMENT ON TYPE anime.search_result IS
'A row of a search. `matched_title`: the title that fits; `match`: how (exact, prefix, fuzzy, text,
or upstream: an upstream API names it for this query); `rank`: 1 is best; `freshness`: fresh, stale
or pending_embeddings; `synced_at`: when an upstream last vouched for it; `highlight`: what of
`matched_title` the name in the query matched, as pairs of characters from 0, the first of a part
and the first behind it: {{0,5}} are the first five; all of it for `exact`, NULL for `text` and
`upstream`.';

GRANT USAGE ON TYPE anime.search_result TO anime_reader;

CREATE FUNCTION jikan_sync.search_results(meant text, hits jikan_sync.search_hit[])
RETURNS SETOF anime.search_result
LANGUAGE sql
STABLE
BEGIN ATOMIC
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
        h.matched_title,
        h.match,
        h.rank,
        c.freshness,
        c.synced_at,
        jikan_sync.highlight(search_results.meant, h.matched_title, h.match) AS highlight
    FROM
        unnest(search_results.hits) WITH ORDINALITY
            AS h (anime_id, matched_title, match, rank, position)
    INNER JOIN anime.catalog AS c ON h.anime_id = c.anime_id
    ORDER BY h.position;
END;

COMMENT ON FUNCTION jikan_sync.search_results(text, jikan_sync.search_hit[]) IS
'What a search found that meant these words, as the face shows it, in order.';

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
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_found record;
BEGIN
    v_found := jikan_sync.search_hits(
        query,
        max_rows,
        jikan_sync.make_filter(types, statuses, genres, year_from, year_to, min_score, nsfw)
    );
    RETURN QUERY
    SELECT r.* FROM jikan_sync.search_results(v_found.meant, v_found.hits) AS r;
END;
$$;

COMMENT ON FUNCTION anime.search_cached(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
) IS
'Anime whose titles fit `query`, best first, from the database alone; writes nothing, asks nobody.
Filters: `types` (TV, Movie …), `statuses`, `genres` (all of them, any case), `year_from`,
`year_to`, `min_score`, `nsfw`; at most `max_rows` (1 to 100). Raises: 22023 (an argument out of
range).';

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
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_found record;
    v_row anime.search_result;
    v_stale integer[] := '{}'::integer[];
BEGIN
    v_found := jikan_sync.search_hits(
        query,
        max_rows,
        jikan_sync.make_filter(types, statuses, genres, year_from, year_to, min_score, nsfw)
    );
    FOR v_row IN
        SELECT r.* FROM jikan_sync.search_results(v_found.meant, v_found.hits) AS r
    LOOP
        IF v_row.freshness = 'stale' THEN
            v_stale := v_stale || v_row.mal_id;
        END IF;
        RETURN NEXT v_row;
    END LOOP;

    IF current_setting('transaction_read_only')::boolean THEN
        RETURN;
    END IF;
    IF NOT v_found.is_confident THEN
        PERFORM jikan_sync.request_search(query);
    END IF;
    IF v_stale <> '{}' THEN
        PERFORM jikan_sync.request_refresh(v_stale, CASE WHEN v_found.is_confident THEN 2 ELSE 1 END);
    END IF;
    -- One look, at what it found first: else a search for a common word would count for twenty.
    IF v_found.is_confident THEN
        PERFORM jikan_sync.count_hit((v_found.hits)[1].anime_id);
    END IF;
END;
$$;

COMMENT ON FUNCTION anime.search(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
) IS
'Anime whose titles fit `query`, best first, at once from the database. When nothing fits well the
query goes upstream behind your back, and what is stale is refreshed: ask again in a second, LISTEN
anime_search, or use `CALL anime.search_live`. Filters: `types` (TV, Movie …), `statuses`, `genres`
(all of them, any case), `year_from`, `year_to`, `min_score`, `nsfw`; at most `max_rows` (1 to 100).
In a read-only transaction or on a standby it only reads. Raises: 22023 (an argument out of
range).';

GRANT EXECUTE ON FUNCTION anime.search_cached(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
) TO anime_reader;
GRANT EXECUTE ON FUNCTION anime.search(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
) TO anime_reader;

COMMIT;
