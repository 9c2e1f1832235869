-- Deploy pgjikan:functions/search/story_hits to pg
-- requires: schema/story
-- requires: functions/search/story_words
-- requires: functions/embeddings/active_model_id
-- requires: functions/face/admits

-- Who remembers no title but what happens: rare words count most, and a foreign word counts as what
-- it was read as. Of several readings of one word the best counts, not their sum.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.story_terms(query text)
RETURNS TABLE (word text, lexeme text, gain real)
LANGUAGE sql
STABLE
ROWS 15
BEGIN ATOMIC
    WITH word AS MATERIALIZED (
        SELECT
            w.word,
            w.lexeme
        FROM jikan_sync.story_words(story_terms.query) AS w
        LIMIT 40  -- noqa: AM09
    ),

    told AS MATERIALIZED (
        SELECT jikan_sync.query_language(array_agg(w.word)) AS language
        FROM word AS w
    )

    SELECT  -- noqa: ST06
        -- Two forms of one word are one word.
        CASE
            WHEN t.language = 'pg_catalog.english_stem'::regdictionary THEN w.lexeme
            ELSE w.word
        END,
        g.lexeme,
        max(g.gain)::real
    FROM word AS w
    CROSS JOIN told AS t
    CROSS JOIN
        LATERAL (
            SELECT
                w.lexeme,
                CASE
                    WHEN
                        t.language = 'pg_catalog.english_stem'::regdictionary
                        AND w.word ~ '^[0-9a-z]'
                        THEN 1.0
                    -- The same word in another language, or a name.
                    ELSE 0.9
                END AS gain
            UNION ALL
            SELECT
                r.lexeme,
                r.gain
            FROM jikan_sync.foreign_word AS f
            CROSS JOIN LATERAL unnest(f.lexemes, f.gains) AS r (lexeme, gain)
            WHERE
                f.model_id = (SELECT jikan_sync.active_model_id())
                AND f.word = w.word
                AND (
                    t.language <> 'pg_catalog.english_stem'::regdictionary
                    OR w.word !~ '^[0-9a-z]'
                )
        ) AS g
    WHERE
        g.lexeme IS NOT NULL
        AND NOT jikan_sync.is_little_word(w.word, t.language)
    GROUP BY 1, 2;
END;

COMMENT ON FUNCTION jikan_sync.story_terms(text) IS
'The words of a query that say something, and the words of synopses that each may be, with how
surely.';

CREATE FUNCTION jikan_sync.story_hits(
    query text,
    max_rows integer,
    filter jikan_sync.face_filter
)
RETURNS TABLE (anime_id bigint, strength double precision)
LANGUAGE plpgsql
STABLE
ROWS 100
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    v_words text[];
    v_lexemes text[];
    v_gains real[];
    v_count double precision;
    v_anime_ids bigint[];
    v_strengths double precision[];
    v_told bigint[];
BEGIN
    SELECT array_agg(t.word), array_agg(t.lexeme), array_agg(t.gain)
    INTO v_words, v_lexemes, v_gains
    FROM jikan_sync.story_terms(query) AS t;
    IF v_words IS NULL THEN
        RETURN;
    END IF;
    SELECT greatest(c.reltuples, 1) INTO v_count
    FROM pg_class AS c
    WHERE c.oid = 'jikan_sync.story'::regclass;

    WITH term AS MATERIALIZED (
        SELECT
            t.word,
            t.lexeme,
            t.gain * ln(1 + greatest(v_count - c.anime_count + 0.5, 0.5) / (c.anime_count + 0.5))
                AS gain
        FROM unnest(v_words, v_lexemes, v_gains) AS t (word, lexeme, gain)
        CROSS JOIN LATERAL (
            SELECT count(*) AS anime_count
            FROM jikan_sync.story_word AS s
            WHERE s.lexeme = t.lexeme
        ) AS c
    ),

    best AS (
        SELECT s.anime_id, t.word, max(t.gain * s.weight) AS gain
        FROM term AS t
        INNER JOIN jikan_sync.story_word AS s ON s.lexeme = t.lexeme
        GROUP BY s.anime_id, t.word
    )

    SELECT array_agg(f.anime_id), array_agg(f.strength)
    INTO v_anime_ids, v_strengths
    FROM (
        SELECT b.anime_id, sum(b.gain) AS strength
        FROM best AS b
        GROUP BY b.anime_id
        ORDER BY strength DESC, b.anime_id
    ) AS f;

    -- Thousands have one of the words: filters look at all of them only where the best do not do.
    v_told := ARRAY(
        SELECT a.id
        FROM jikan_sync.findable AS a
        WHERE a.id = ANY (v_anime_ids[:max_rows + 100])
            AND jikan_sync.admits(filter, a)
    );
    IF cardinality(v_told) < max_rows THEN
        v_told := ARRAY(
            SELECT a.id
            FROM jikan_sync.findable AS a
            WHERE a.id = ANY (v_anime_ids)
                AND jikan_sync.admits(filter, a)
        );
    END IF;
    RETURN QUERY
    SELECT f.anime_id, f.strength
    FROM unnest(v_anime_ids, v_strengths) WITH ORDINALITY AS f (anime_id, strength, place)
    WHERE f.anime_id = ANY (v_told)
    ORDER BY f.place
    LIMIT max_rows;
END;
$$;

COMMENT ON FUNCTION jikan_sync.story_hits(text, integer, jikan_sync.face_filter) IS
'The anime that pass the filter and whose synopses have most of the words of the query, rare ones
before common ones; `strength` is comparable within one query only.';

COMMIT;
