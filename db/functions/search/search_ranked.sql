-- Deploy pgjikan:functions/search/search_ranked to pg
-- requires: functions/search/search_titles
-- requires: functions/search/search_words
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
    OUT is_confident boolean
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
    c_confident CONSTANT real := 0.36;
    v_words text := jikan_sync.normalise_query(query);
    v_year integer;
    q jikan_sync.search_query;
BEGIN
    hits := NULL;
    is_confident := false;
    IF coalesce(v_words, '') = '' THEN
        RETURN;
    END IF;
    q := jikan_sync.parse_query(v_words, max_rows, filter);
    hits := jikan_sync.search_titles(q);
    IF coalesce(cardinality(hits), 0) < max_rows THEN
        hits := hits || jikan_sync.search_words(q, hits);
    END IF;
    IF hits IS NULL AND v_words ~ '. (19|20)\d\d$' THEN
        -- "fruits basket 2019": the year is no part of the title.
        v_year := right(v_words, 4)::integer;
        filter.year_from := greatest(filter.year_from, v_year);
        filter.year_to := least(filter.year_to, v_year);
        q := jikan_sync.parse_query(left(v_words, -5), max_rows, filter);
        hits := jikan_sync.search_titles(q);
        hits := hits || jikan_sync.search_words(q, hits);
    END IF;
    IF hits IS NULL AND q.seed <> '' THEN
        hits := jikan_sync.search_spelling(q, false);
        IF NOT EXISTS (SELECT FROM unnest(hits) AS h WHERE h.rank >= c_confident) THEN
            hits := hits || jikan_sync.search_nickname(q);
        END IF;
        IF NOT EXISTS (SELECT FROM unnest(hits) AS h WHERE h.rank >= c_confident) THEN
            hits := hits || jikan_sync.search_spelling(q, true);
        END IF;
        IF NOT EXISTS (SELECT FROM unnest(hits) AS h WHERE h.rank >= c_confident) THEN
            hits := hits || jikan_sync.search_text(q);
        END IF;
    END IF;

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
ones; `is_confident`: whether the best is good enough that nobody need look upstream.';

COMMIT;
