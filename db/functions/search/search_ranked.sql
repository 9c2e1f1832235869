-- Deploy pgjikan:functions/search/search_ranked to pg
-- requires: functions/search/search_bare
-- requires: functions/search/search_franchise
-- requires: functions/search/search_titles
-- requires: functions/search/search_words
-- requires: functions/search/correct_words
-- requires: functions/search/search_spelling
-- requires: functions/search/search_nickname
-- requires: functions/search/search_text

-- The search engine. Stages from sure to vague, each with a band of rank, popularity inside the
-- band; a stage runs only while the answer has room, the vague ones only while there is no answer.
-- Every stage reads at most a fixed number of rows, the most popular first, so that no query is
-- slow and none gets slower as the catalogue grows. The settings pin the plans: index lookups in
-- nested loops.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.search_ranked(
    query text,
    max_rows integer,
    filter jikan_sync.face_filter,
    OUT hits jikan_sync.search_hit[],
    OUT is_confident boolean,
    OUT meant text
)
RETURNS record
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
    c_confident CONSTANT real := real '0.36';
    c_to_the_mark CONSTANT real := real '0.97';
    -- A name of something popular, if not to the mark.
    c_known CONSTANT real := real '0.96';
    -- Seldom part of a title: without it the query may be a better one.
    c_around CONSTANT text :=
        '[][(){}]|[ .](s|s0|season |season 0)1$|[ .](1st|first) season$'
        '|[ .](episode|ep) ?[0-9]+$|[ _]- ?[0-9]+$|[ .](tv|ova|ona|movie|film|specials?)$';
    q jikan_sync.search_query;
    v_bare record;
    v_inner jikan_sync.search_query;
    v_is_around boolean;
    v_readings text[];
BEGIN
    hits := NULL;
    is_confident := false;
    q := jikan_sync.parse_query(query, max_rows, filter);
    IF q.words = '' THEN
        RETURN;
    END IF;
    hits := jikan_sync.search_titles(q);
    v_is_around := hits IS NULL OR q.typed ~ c_around;
    IF v_is_around AND hits IS NOT NULL THEN
        v_is_around := NOT EXISTS (SELECT FROM unnest(hits) AS h WHERE h.rank >= c_to_the_mark);
    END IF;
    IF v_is_around THEN
        v_bare := jikan_sync.read_bare(q.typed);
        v_is_around := v_bare.query IS NOT NULL;
    END IF;
    v_inner := q;
    IF v_is_around THEN
        -- What was meant, without the words around it.
        v_inner := jikan_sync.parse_query(v_bare.query, max_rows, filter);
        v_is_around := v_inner.words <> '';
    END IF;
    IF v_inner.words = '' THEN
        v_inner := q;
    ELSIF v_is_around THEN
        IF v_inner.number <> 1 THEN
            v_bare.year := NULL;  -- the year of a folder is that of its first season
        END IF;
        hits := hits || jikan_sync.prefer_hits(
            jikan_sync.search_titles(v_inner), v_bare.year, v_bare.types
        );
    END IF;
    IF hits IS NULL THEN
        hits := jikan_sync.search_otherwise(q, max_rows);
    END IF;
    IF cardinality(v_inner.tokens) = 1 AND v_inner.number IS NULL AND length(v_inner.words) > 3
        AND coalesce(cardinality(hits), 0) >= 10
    THEN
        IF NOT EXISTS (SELECT FROM unnest(hits) AS h WHERE h.rank >= c_known) THEN
            hits := hits || jikan_sync.search_franchise(v_inner, hits);
        END IF;
    END IF;
    IF coalesce(cardinality(hits), 0) < max_rows THEN
        hits := hits || jikan_sync.search_words(q, hits);
    END IF;
    IF v_is_around AND coalesce(cardinality(hits), 0) < max_rows THEN
        hits := hits || jikan_sync.prefer_hits(
            jikan_sync.search_words(v_inner, hits), v_bare.year, v_bare.types
        );
    END IF;
    IF hits IS NULL AND q.seed <> '' THEN
        v_readings := jikan_sync.correct_words(q.tokens);
        hits := jikan_sync.search_spelling(q, v_readings, 0);
        IF v_is_around
            AND NOT EXISTS (SELECT FROM unnest(hits) AS h WHERE h.rank >= c_confident)
        THEN
            q := v_inner;
            v_readings := jikan_sync.correct_words(q.tokens);
            hits := hits || jikan_sync.prefer_hits(
                jikan_sync.search_spelling(q, v_readings, 0), v_bare.year, v_bare.types
            );
        END IF;
        IF NOT EXISTS (SELECT FROM unnest(hits) AS h WHERE h.rank >= c_confident) THEN
            hits := hits || jikan_sync.search_nickname(q);
        END IF;
        IF NOT EXISTS (SELECT FROM unnest(hits) AS h WHERE h.rank >= c_confident) THEN
            hits := hits || jikan_sync.search_spelling(q, v_readings, 1);
        END IF;
        IF NOT EXISTS (SELECT FROM unnest(hits) AS h WHERE h.rank >= c_confident) THEN
            hits := hits || jikan_sync.search_spelling(q, v_readings, 2);
        END IF;
        IF NOT EXISTS (SELECT FROM unnest(hits) AS h WHERE h.rank >= c_confident) THEN
            hits := hits || jikan_sync.search_text(q);
        END IF;
    END IF;

    meant := v_inner.name;
    hits := ARRAY(
        SELECT (d.anime_id, d.matched_title, d.match, d.rank)::jikan_sync.search_hit
        FROM (
            SELECT DISTINCT ON (h.anime_id) h.*
            FROM unnest(hits) AS h
            ORDER BY h.anime_id, h.rank DESC
        ) AS d
        ORDER BY d.rank DESC, d.anime_id
        LIMIT max_rows
    );
    is_confident := coalesce((hits[1]).rank >= c_confident, false);
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_ranked(text, integer, jikan_sync.face_filter) IS
'The anime whose titles fit `query`, best first; where none do well, also those whose story has its
words. `match`: exact, prefix, fuzzy or text; `rank`: 0 to 1 in bands, sure matches above vague
ones; `is_confident`: whether the best is good enough that nobody need look upstream; `meant`: the
words of the name that was searched for, without its season and what stood around it.';

COMMIT;
