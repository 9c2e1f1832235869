-- Deploy pgjikan:functions/store_reviews to pg
-- requires: schema/anime_children
-- requires: functions/document_fault

-- The reviews facet: the first page as it is now, its age kept on the anime.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.store_reviews(
    mal_id integer,
    documents jsonb,
    fetched_at timestamptz DEFAULT NULL
)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_anime_id bigint;
BEGIN
    IF documents IS NULL OR jsonb_typeof(documents) <> 'array' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'documents must be a JSON array of review objects',
            HINT = 'Pass the `data` of /anime/{id}/reviews.';
    END IF;

    UPDATE jikan.anime AS a
    SET reviews_synced_at = least(store_reviews.fetched_at, jikan_sync.clock_now())
    WHERE a.mal_id = store_reviews.mal_id
        AND coalesce(store_reviews.fetched_at, 'infinity')
        >= coalesce(a.reviews_synced_at, '-infinity')
    RETURNING a.id INTO v_anime_id;
    IF v_anime_id IS NULL THEN
        RETURN false;
    END IF;

    DELETE FROM jikan.review AS r WHERE r.anime_id = v_anime_id;

    INSERT INTO jikan.review (
        anime_id, review_mal_id, url, score, tags, review, reactions, is_spoiler, is_preliminary,
        episodes_watched, username, reviewed_at, position
    )
    SELECT DISTINCT ON (r.mal_id)
        v_anime_id,
        r.mal_id,
        r.url,
        r.score,
        coalesce(r.tags, '{}'),
        r.review,
        r.reactions,
        r.is_spoiler,
        r.is_preliminary,
        r.episodes_watched,
        r.user ->> 'username',
        r.date,
        d.position
    FROM jsonb_array_elements(documents) WITH ORDINALITY AS d (document, position)
    CROSS JOIN LATERAL jsonb_to_record(d.document) AS r (
        mal_id bigint,
        url text,
        score integer,
        tags text[],
        review text,
        reactions jsonb,
        is_spoiler boolean,
        is_preliminary boolean,
        episodes_watched integer,
        "user" jsonb,
        date timestamptz
    )
    WHERE r.mal_id IS NOT NULL
        AND r.review IS NOT NULL
    ORDER BY r.mal_id, d.position;
    RETURN true;
END;
$$;

COMMENT ON FUNCTION jikan_sync.store_reviews(integer, jsonb, timestamptz) IS
'Replaces the reviews of an anime by `documents` (the `data` of /anime/{id}/reviews).
False where the anime is not mirrored or has younger reviews. Raises: 22023 (no array), class 22 (a
review with a value of the wrong type).';

COMMIT;
