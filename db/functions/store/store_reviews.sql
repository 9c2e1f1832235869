-- Deploy pgjikan:functions/store/store_reviews to pg
-- requires: schema/anime_children
-- requires: functions/store/document_fault
-- requires: functions/freshness/ledger
-- requires: schema/rejected_document
-- requires: functions/store/json_list

-- The reviews facet: the first page as it is now. Each review is written
-- by itself, there are twenty: one that does not fit lands in `jikan_sync.rejected_document`, its
-- neighbours here.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.write_review(anime_id bigint, document jsonb, place integer)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_review jikan.review;
BEGIN
    v_review := jsonb_populate_record(
        NULL::jikan.review,
        document || jsonb_build_object(
            'anime_id', anime_id,
            'review_mal_id', document -> 'mal_id',
            'tags', jikan_sync.json_list(document -> 'tags'),
            'username', document #> '{user,username}',
            'reviewer', document -> 'user',
            'reviewed_at', document -> 'date',
            'position', place
        )
    );
    IF NOT EXISTS (
        SELECT
        FROM jikan.review AS r
        WHERE r.anime_id = v_review.anime_id
            AND r.review_mal_id = v_review.review_mal_id
            AND (r.url, r.score, r.tags, r.review, r.reactions, r.is_spoiler, r.is_preliminary)
                IS NOT DISTINCT FROM
                (v_review.url, v_review.score, v_review.tags, v_review.review,
                 v_review.reactions, v_review.is_spoiler, v_review.is_preliminary)
            AND (r.episodes_watched, r.username, r.reviewer, r.reviewed_at, r.position)
                IS NOT DISTINCT FROM
                (v_review.episodes_watched, v_review.username, v_review.reviewer,
                 v_review.reviewed_at, v_review.position)
    ) THEN
        DELETE FROM jikan.review AS r
        WHERE r.anime_id = v_review.anime_id
            AND r.review_mal_id = v_review.review_mal_id;
        INSERT INTO jikan.review (
            anime_id, review_mal_id, url, score, tags, review, reactions, is_spoiler,
            is_preliminary, episodes_watched, username, reviewer, reviewed_at, position
        )
        VALUES (
            v_review.anime_id, v_review.review_mal_id, v_review.url, v_review.score, v_review.tags,
            v_review.review, v_review.reactions, v_review.is_spoiler, v_review.is_preliminary,
            v_review.episodes_watched, v_review.username, v_review.reviewer, v_review.reviewed_at,
            v_review.position
        );
    END IF;
    RETURN v_review.review_mal_id;
END;
$$;

COMMENT ON FUNCTION jikan_sync.write_review(bigint, jsonb, integer) IS
'Writes one review where it differs from what is there; answers its id. Raises: classes 22 and 23
(the document is no review).';

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
    v_written bigint[] := '{}';
BEGIN
    IF documents IS NULL OR jsonb_typeof(documents) <> 'array' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'documents must be a JSON array of review objects',
            HINT = 'Pass the `data` of /anime/{id}/reviews.';
    END IF;

    SELECT a.id INTO v_anime_id FROM jikan.anime AS a WHERE a.mal_id = store_reviews.mal_id FOR KEY SHARE;
    IF NOT jikan_sync.note_stored(
        'reviews',
        mal_id,
        coalesce(least(fetched_at, jikan_sync.clock_now()), jikan_sync.clock_now())
    ) THEN
        RETURN false;
    END IF;

    FOR v_document IN SELECT d.document FROM jsonb_array_elements(documents) AS d (document) LOOP
        v_place := v_place + 1;
        -- A page may have one twice.
        CONTINUE WHEN (v_document ->> 'mal_id') = ANY (v_written::text[]);
        BEGIN
            v_written := v_written || jikan_sync.write_review(v_anime_id, v_document, v_place);
        EXCEPTION
            WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
                GET STACKED DIAGNOSTICS v_message = MESSAGE_TEXT;
                PERFORM jikan_sync.reject_document(
                    'reviews', store_reviews.mal_id, v_message, v_document::text
                );
        END;
    END LOOP;
    DELETE FROM jikan.review AS r
    WHERE r.anime_id = v_anime_id
        AND r.review_mal_id <> ALL (v_written);
    RETURN true;
END;
$$;

COMMENT ON FUNCTION jikan_sync.store_reviews(integer, jsonb, timestamptz) IS
'Replaces the reviews of an anime by `documents` (the `data` of /anime/{id}/reviews).
What is no review is in `jikan_sync.rejected_document`. False where the anime is not mirrored or has
younger reviews. Raises: 22023 (no array).';

UPDATE jikan_sync.facet SET store = 'jikan_sync.store_reviews'
WHERE name = 'reviews';

COMMIT;
