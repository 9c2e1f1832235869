-- Deploy pgjikan:functions/store/store_pictures to pg
-- requires: schema/anime_children
-- requires: functions/store/document_fault
-- requires: functions/freshness/ledger

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

    SELECT a.id INTO v_anime_id FROM jikan.anime AS a WHERE a.mal_id = store_pictures.mal_id FOR KEY SHARE;
    IF NOT jikan_sync.note_stored(
        'images',
        mal_id,
        coalesce(least(fetched_at, jikan_sync.clock_now()), jikan_sync.clock_now())
    ) THEN
        RETURN false;
    END IF;

    -- Two statements and not one MERGE … NOT MATCHED BY SOURCE, which reads the pictures of all.
    DELETE FROM jikan.picture AS p
    WHERE p.anime_id = v_anime_id
        AND jsonb_typeof(documents -> p.position - 1) IS DISTINCT FROM 'object';
    INSERT INTO jikan.picture AS p (anime_id, position, images)
    SELECT v_anime_id, d.position, d.document
    FROM jsonb_array_elements(documents) WITH ORDINALITY AS d (document, position)
    WHERE jsonb_typeof(d.document) = 'object'
    ON CONFLICT ON CONSTRAINT picture_pkey DO UPDATE SET
        images = excluded.images
    WHERE p.images <> excluded.images;
    RETURN true;
END;
$$;

COMMENT ON FUNCTION jikan_sync.store_pictures(integer, jsonb, timestamptz) IS
'Replaces the pictures of an anime by `documents` (the `data` of /anime/{id}/pictures).
False where the anime is not mirrored or has younger pictures. Raises: 22023 (no array).';

UPDATE jikan_sync.facet SET store = 'jikan_sync.store_pictures'
WHERE name = 'images';

COMMIT;
