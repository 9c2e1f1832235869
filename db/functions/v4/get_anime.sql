-- Deploy pgjikan:functions/v4/get_anime to pg
-- requires: functions/v4/title

-- /anime/{id}: the document as it stands in `jikan.v4_row`.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.v4_get_anime(request jikan_sync.v4_request)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_found record;
    v_row record;
    v_answer jikan_sync.v4_answer;
BEGIN
    v_found := jikan_sync.v4_find_title(request);
    IF (v_found.title).anime_id IS NULL THEN
        RETURN v_found.missing;
    END IF;
    SELECT r.version, r.document
    INTO STRICT v_row
    FROM jikan.v4_row AS r
    WHERE r.anime_id = (v_found.title).anime_id;

    v_answer.version := to_hex(v_row.version);
    v_answer.synced_at := (v_found.title).synced_at;
    v_answer.is_stale := (v_found.title).is_stale;
    v_answer.anime_ids := ARRAY[(v_found.title).anime_id];
    v_answer.mal_id := (v_found.title).mal_id;
    v_answer.facet := CASE WHEN v_answer.is_stale THEN 'core' END;
    IF v_answer.version = ANY (request.known) THEN
        v_answer.status := 304;
    ELSE
        v_answer.status := 200;
        v_answer.body := '{"data":' || v_row.document || '}';
    END IF;
    RETURN v_answer;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_get_anime(jikan_sync.v4_request) IS 'Answers /anime/{id}.';

COMMIT;
