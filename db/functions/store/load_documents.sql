-- Deploy pgjikan:functions/store/load_documents to pg
-- requires: functions/store/store_anime
-- requires: functions/v4/fold
-- requires: schema/rejected_document

-- Files of documents, a batch of lines at a time. A line that is no JSON lands among the rejects
-- and the rest of its batch in the mirror. A line may hold more than one: an array, or a response.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.documents_in(value jsonb)
RETURNS jsonb
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(jsonb_agg(d.document ORDER BY v.place, e.place, d.place), '[]')
    FROM jsonb_array_elements(documents_in.value) WITH ORDINALITY AS v (value, place)
    CROSS JOIN
        LATERAL jsonb_array_elements(
            CASE jsonb_typeof(v.value) WHEN 'array' THEN v.value ELSE jsonb_build_array(v.value) END
        ) WITH ORDINALITY AS e (value, place)
    CROSS JOIN
        LATERAL jsonb_array_elements(
            CASE
                WHEN e.value ? 'mal_id' THEN jsonb_build_array(e.value)
                WHEN jsonb_typeof(e.value -> 'data') = 'array' THEN e.value -> 'data'
                WHEN
                    jsonb_typeof(e.value -> 'data') = 'object'
                    THEN jsonb_build_array(e.value -> 'data')
                ELSE jsonb_build_array(e.value)
            END
        ) WITH ORDINALITY AS d (document, place);
END;

COMMENT ON FUNCTION jikan_sync.documents_in(jsonb) IS
'The documents in an array of documents, arrays of documents and responses with `data`.';

CREATE FUNCTION jikan_sync.is_json(line text)
RETURNS boolean
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- pg_input_is_valid raises where brackets are nested deeper than the stack.
    RETURN line::jsonb IS NOT NULL;
EXCEPTION
    WHEN data_exception OR program_limit_exceeded THEN
        RETURN false;
END;
$$;

COMMENT ON FUNCTION jikan_sync.is_json(text) IS 'Whether `line` is JSON that can be stored.';

CREATE FUNCTION jikan_sync.line_faults(lines text)
RETURNS TABLE (place bigint, reason text)
LANGUAGE plpgsql
STABLE
ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT t.place, r.reason
    FROM (
        SELECT s.place, s.line, jikan_sync.is_json(s.line) AS is_json
        FROM string_to_table(lines, E'\n') WITH ORDINALITY AS s (line, place)
        WHERE s.line ~ '\S'
        OFFSET 0
    ) AS t
    CROSS JOIN LATERAL (
        SELECT btrim(t.line, E' \t\r') AS document WHERE NOT t.is_json
        UNION ALL
        SELECT d.document::text
        FROM jsonb_array_elements(
            jikan_sync.documents_in(
                CASE WHEN t.is_json THEN jsonb_build_array(t.line::jsonb) ELSE '[]' END
            )
        ) AS d (document)
    ) AS d
    INNER JOIN jikan_sync.rejected_document AS r
        ON r.document_hash = hashtextextended(d.document, 0)
    ORDER BY t.place;
END;
$$;

COMMENT ON FUNCTION jikan_sync.line_faults(text) IS
'Which of `lines` were rejected when they were loaded, counted from 1, and why.';

CREATE FUNCTION jikan_sync.load_documents(lines text, fetched_at timestamptz)
RETURNS jikan_sync.store_result
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_lines text := btrim(lines, E' \t\r\n');
    v_documents jsonb;
    v_result jikan_sync.store_result;
    v_broken integer := 0;
BEGIN
    IF v_lines IS NULL OR v_lines = '' THEN
        RETURN ROW(0, 0, 0, 0);
    END IF;
    -- JSON text has no line break outside of its layout, so lines make an array with commas.
    BEGIN
        v_documents := ('[' || replace(v_lines, E'\n', ',') || ']')::jsonb;
    EXCEPTION
        WHEN data_exception OR program_limit_exceeded THEN
            PERFORM jikan_sync.reject_document('list', NULL, 'is not JSON', btrim(l.line, E' \t\r'))
            FROM string_to_table(v_lines, E'\n') AS l (line)
            WHERE l.line ~ '\S'
                AND NOT jikan_sync.is_json(l.line);

            SELECT
                coalesce(jsonb_agg(l.line::jsonb) FILTER (WHERE l.is_json), '[]'),
                count(*) FILTER (WHERE NOT l.is_json)
            INTO v_documents, v_broken
            FROM (
                SELECT t.line, jikan_sync.is_json(t.line) AS is_json
                FROM string_to_table(v_lines, E'\n') AS t (line)
                WHERE t.line ~ '\S'
                OFFSET 0
            ) AS l;
    END;

    IF jsonb_path_exists(v_documents, 'strict $[*] ? (@.type() == "array")')
        OR jsonb_path_exists(v_documents, '$[*] ? (exists(@.data) && !exists(@.mal_id))')
    THEN
        v_documents := jikan_sync.documents_in(v_documents);
    END IF;
    v_result := jikan_sync.store_anime(v_documents, 'list', fetched_at);
    v_result.rejected := v_result.rejected + v_broken;
    RETURN v_result;
END;
$$;

COMMENT ON FUNCTION jikan_sync.load_documents(text, timestamptz) IS
'Stores the Jikan Anime objects in `lines` (per line one object, an array of them or a response), as
old as `fetched_at`, and counts what became of them; a line that is no JSON is rejected by itself.';

CREATE FUNCTION jikan_sync.analyze_mirror()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
-- A fifth of the usual sample serves until autovacuum comes by, and nobody waits for it.
SET default_statistics_target = 20
AS $$
BEGIN
    -- Documents and texts are most of the work and in no condition: autovacuum has time for them.
    ANALYZE jikan.anime (
        mal_id, type, status, season, year, score, members, popularity, genre_names, is_nsfw,
        embedding_hash, sync_status, last_jikan_sync, missing_count, removed_at
    );
    PERFORM jikan_sync.v4_fold();
    ANALYZE jikan.v4_row (
        slot, mal_id, title, aired_from, aired_to, episodes, score, scored_by, rank, popularity,
        members, favorites, season_key, tags
    );
    ANALYZE jikan.title;
    ANALYZE jikan.relation;
    ANALYZE jikan_sync.title_word;
    ANALYZE jikan_sync.vocabulary;
END;
$$;

COMMENT ON FUNCTION jikan_sync.analyze_mirror() IS
'Brings the planner''s statistics of anime and of what search and lists read up to date, and the
bitmaps of the v4 API, after a bulk load.';

COMMIT;
