-- Deploy pgjikan:functions/store_reviews to pg
-- requires: schema/anime_children
-- requires: functions/document_fault
-- requires: schema/rejected_document

-- The reviews facet: the first page as it is now, its age kept on the anime. Each review is written
-- by itself, there are twenty: one that does not fit lands in `jikan_sync.rejected_document`, its
-- neighbours here.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.write_review(anime_id bigint, document jsonb, place integer)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO jikan.review AS w (
        anime_id, review_mal_id, url, score, tags, review, reactions, is_spoiler, is_preliminary,
        episodes_watched, username, reviewed_at, position
    )
    SELECT
        write_review.anime_id,
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
        write_review.place
    FROM jsonb_to_record(document) AS r (
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
    ON CONFLICT ON CONSTRAINT review_pkey DO NOTHING;
    RETURN found;
END;
$$;

COMMENT ON FUNCTION jikan_sync.write_review(bigint, jsonb, integer) IS
'Writes one review; false where the page had it already. Raises: classes 22 and 23 (the document is
no review).';

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
    v_place integer := 0;
    v_document jsonb;
    v_message text;
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

    FOR v_document IN SELECT d.document FROM jsonb_array_elements(documents) AS d (document) LOOP
        v_place := v_place + 1;
        BEGIN
            PERFORM jikan_sync.write_review(v_anime_id, v_document, v_place);
        EXCEPTION
            WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
                GET STACKED DIAGNOSTICS v_message = MESSAGE_TEXT;
                PERFORM jikan_sync.reject_document(
                    'reviews', store_reviews.mal_id, v_message, v_document::text
                );
        END;
    END LOOP;
    RETURN true;
END;
$$;

COMMENT ON FUNCTION jikan_sync.store_reviews(integer, jsonb, timestamptz) IS
'Replaces the reviews of an anime by `documents` (the `data` of /anime/{id}/reviews).
What is no review is in `jikan_sync.rejected_document`. False where the anime is not mirrored or has
younger reviews. Raises: 22023 (no array).';

COMMIT;
