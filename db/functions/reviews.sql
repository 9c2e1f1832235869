-- Deploy pgjikan:functions/reviews to pg
-- requires: schema/anime_children
-- requires: functions/freshness_age
-- requires: functions/freshness_request

-- Reviews are a facet with a life of its own (a week): served at once with their age, refreshed
-- behind.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TYPE anime.review_result AS (
    review_mal_id bigint,
    username text,
    score integer,
    tags text [],
    review text,
    is_spoiler boolean,
    is_preliminary boolean,
    reactions jsonb,
    reviewed_at timestamptz,
    url text,
    freshness text,
    synced_at timestamptz
);

COMMENT ON TYPE anime.review_result IS
'A review, with the age of the reviews facet of its anime: `freshness` (fresh or stale),
`synced_at`.';

GRANT USAGE ON TYPE anime.review_result TO anime_reader;

CREATE FUNCTION anime.reviews(mal_id integer, max_rows integer DEFAULT 20)
RETURNS SETOF anime.review_result
LANGUAGE plpgsql
VOLATILE
ROWS 20
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_anime jikan.anime;
    v_is_stale boolean;
BEGIN
    IF mal_id IS NULL OR mal_id < 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('mal_id must be a positive integer, not %s', coalesce(mal_id::text, 'NULL')),
            HINT = 'It is the number in https://myanimelist.net/anime/NUMBER.';
    END IF;
    IF max_rows IS NULL OR max_rows NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('max_rows must be from 1 to 100, not %s', coalesce(max_rows::text, 'NULL')),
            HINT = 'An upstream page has 20 reviews.';
    END IF;

    SELECT a.* INTO v_anime FROM jikan.anime AS a WHERE a.mal_id = reviews.mal_id;
    v_is_stale := v_anime.reviews_synced_at IS NULL
        OR v_anime.reviews_synced_at + jikan_sync.max_age('reviews', v_anime.status)
        <= jikan_sync.clock_now();

    RETURN QUERY
    SELECT
        r.review_mal_id,
        r.username,
        r.score,
        r.tags,
        r.review,
        r.is_spoiler,
        r.is_preliminary,
        r.reactions,
        r.reviewed_at,
        r.url,
        CASE WHEN v_is_stale THEN 'stale' ELSE 'fresh' END,
        v_anime.reviews_synced_at
    FROM jikan.review AS r
    WHERE r.anime_id = v_anime.id
    ORDER BY r.position
    LIMIT reviews.max_rows;

    IF v_is_stale AND NOT current_setting('transaction_read_only')::boolean THEN
        PERFORM jikan_sync.request_task(
            CASE WHEN v_anime.id IS NULL THEN 'anime' ELSE 'reviews' END, mal_id, 'high'
        );
    END IF;
END;
$$;

COMMENT ON FUNCTION anime.reviews(integer, integer) IS
'Reviews of an anime in upstream''s order, at most `max_rows` (1 to 100), each with the age of the
facet; older than the policy (7 days) or never fetched, they are queued: ask again in a second.
Raises: 22023 (an argument out of range).';

GRANT EXECUTE ON FUNCTION anime.reviews(integer, integer) TO anime_reader;

COMMIT;
