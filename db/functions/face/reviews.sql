-- Deploy pgjikan:functions/face/reviews to pg
-- requires: schema/anime_children
-- requires: functions/face/facet
-- requires: functions/face/plain_text

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
    v_look record;
BEGIN
    PERFORM jikan_sync.check_max_rows(max_rows);
    v_look := jikan_sync.look_at(mal_id, 'reviews');
    RETURN QUERY
    SELECT
        r.review_mal_id,
        r.username,
        r.score,
        ARRAY(
            SELECT anime.plain_text(t.tag)
            FROM unnest(r.tags) WITH ORDINALITY AS t (tag, place)
            ORDER BY t.place
        ),
        anime.plain_text(r.review),
        r.is_spoiler,
        r.is_preliminary,
        r.reactions,
        r.reviewed_at,
        r.url,
        v_look.freshness,
        v_look.synced_at
    FROM jikan.review AS r
    WHERE r.anime_id = v_look.anime_id
    ORDER BY r.position
    LIMIT reviews.max_rows;
END;
$$;

COMMENT ON FUNCTION anime.reviews(integer, integer) IS
'Reviews of an anime in upstream''s order, at most `max_rows` (1 to 100), each with the age of the
facet; older than the policy (7 days) or never fetched, they are queued: ask again in a second.
Raises: 22023 (an argument out of range).';

GRANT EXECUTE ON FUNCTION anime.reviews(integer, integer) TO anime_reader;

COMMIT;
