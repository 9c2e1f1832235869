-- Deploy pgjikan:functions/load_documents to pg
-- requires: functions/store_anime

-- Files of documents, a batch of lines at a time. A line that is no JSON lands among the rejects
-- and the rest of its batch in the mirror.

BEGIN;

SET LOCAL ROLE jikan_owner;

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
            PERFORM jikan_sync.reject_document('list', NULL, 'is not JSON', l.line)
            FROM string_to_table(v_lines, E'\n') AS l (line)
            WHERE l.line ~ '\S'
                AND NOT pg_input_is_valid(l.line, 'jsonb');

            SELECT
                coalesce(
                    jsonb_agg(l.line::jsonb) FILTER (WHERE pg_input_is_valid(l.line, 'jsonb')), '[]'
                ),
                count(*) FILTER (WHERE NOT pg_input_is_valid(l.line, 'jsonb'))
            INTO v_documents, v_broken
            FROM string_to_table(v_lines, E'\n') AS l (line)
            WHERE l.line ~ '\S';
    END;

    v_result := jikan_sync.store_anime(v_documents, 'list', fetched_at);
    v_result.rejected := v_result.rejected + v_broken;
    RETURN v_result;
END;
$$;

COMMENT ON FUNCTION jikan_sync.load_documents(text, timestamptz) IS
'Stores the Jikan Anime objects in `lines` (one JSON object a line), as old as `fetched_at`, and
counts what became of them; a line that is no JSON is rejected by itself.';

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
    ANALYZE jikan.title;
    ANALYZE jikan.relation;
    ANALYZE jikan_sync.title_word;
    ANALYZE jikan_sync.vocabulary;
END;
$$;

COMMENT ON FUNCTION jikan_sync.analyze_mirror() IS
'Brings the planner''s statistics of anime and of what search reads up to date, after a bulk load.';

COMMIT;
