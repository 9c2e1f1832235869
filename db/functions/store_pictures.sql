-- Deploy pgjikan:functions/store_pictures to pg
-- requires: schema/anime_children
-- requires: functions/document_fault

-- The pictures facet: replaced as a whole when it differs, its age kept on the anime.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.store_pictures(
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
            MESSAGE = 'documents must be a JSON array of picture objects',
            HINT = 'Pass the `data` of /anime/{id}/pictures.';
    END IF;

    UPDATE jikan.anime AS a
    SET images_synced_at = least(store_pictures.fetched_at, jikan_sync.clock_now())
    WHERE a.mal_id = store_pictures.mal_id
        AND coalesce(store_pictures.fetched_at, 'infinity')
        >= coalesce(a.images_synced_at, '-infinity')
    RETURNING a.id INTO v_anime_id;
    IF v_anime_id IS NULL THEN
        RETURN false;
    END IF;

    MERGE INTO jikan.picture AS p
    USING (
        SELECT
            d.position::integer AS position,
            d.document
        FROM jsonb_array_elements(documents) WITH ORDINALITY AS d (document, position)
        WHERE jsonb_typeof(d.document) = 'object'
    ) AS d
        ON p.anime_id = v_anime_id AND p.position = d.position
    WHEN NOT MATCHED THEN
        INSERT (anime_id, position, images) VALUES (v_anime_id, d.position, d.document)
    WHEN MATCHED AND p.images <> d.document THEN
        UPDATE SET images = d.document
    WHEN NOT MATCHED BY SOURCE AND p.anime_id = v_anime_id THEN
        DELETE;
    RETURN true;
END;
$$;

COMMENT ON FUNCTION jikan_sync.store_pictures(integer, jsonb, timestamptz) IS
'Replaces the pictures of an anime by `documents` (the `data` of /anime/{id}/pictures).
False where the anime is not mirrored or has younger pictures. Raises: 22023 (no array).';

COMMIT;
