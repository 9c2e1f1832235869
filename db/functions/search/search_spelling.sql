-- Deploy pgjikan:functions/search/search_spelling to pg
-- requires: functions/search/search_titles

-- The third stage, for queries that nothing answers: each word may stand for the words of the
-- vocabulary a slip away, and a word that no title has also for those that look like it.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.correct_word(word text)
RETURNS text[]
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT array_agg(c.word)
    FROM (
        SELECT v.word
        FROM jikan_sync.vocabulary AS v
        WHERE
            jikan_sync.spelling_keys(v.word) && jikan_sync.spelling_keys(correct_word.word)
            AND v.word <> correct_word.word
        GROUP BY v.word
        ORDER BY
            left(v.word, 1) = left(correct_word.word, 1) DESC,
            min(v.tier),
            v.word
        LIMIT 30
    ) AS c;
END;

COMMENT ON FUNCTION jikan_sync.correct_word(text) IS
'The words that `word` may have been meant for, those a slip away; those with the same
first letter first, then the popular. NULL: none.';

CREATE FUNCTION jikan_sync.resemble_word(word text)
RETURNS text[]
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT array_agg(c.word)
    FROM (
        SELECT v.word
        FROM jikan_sync.vocabulary AS v
        WHERE
            v.word % resemble_word.word
            AND NOT EXISTS (
                SELECT 1 FROM jikan_sync.vocabulary AS k
                WHERE k.word = resemble_word.word
            )
        GROUP BY v.word
        ORDER BY similarity(v.word, resemble_word.word) DESC, min(v.tier)
        LIMIT 6
    ) AS c;
END;

COMMENT ON FUNCTION jikan_sync.resemble_word(text) IS
'The words that look most like `word`, by trigrams, likest first. NULL: none, or `word` is one
itself.';

CREATE FUNCTION jikan_sync.title_similarity(query text, words text)
RETURNS real
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        0.75 * word_similarity(title_similarity.query, title_similarity.words)
        + 0.25 * similarity(title_similarity.query, title_similarity.words);
END;

COMMENT ON FUNCTION jikan_sync.title_similarity(text, text) IS
'How much of `query` some stretch of `words` has, by trigrams, and how little else there is: 0 to
1.';

CREATE FUNCTION jikan_sync.search_spelling(q jikan_sync.search_query, is_vague boolean)
RETURNS jikan_sync.search_hit[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- A variable of its own: of one inside q every field costs a look into the whole.
    v_filter CONSTANT jikan_sync.face_filter := q.filter;
    v_token text;
    v_words text[];
    v_is_new boolean := false;
    v_readings text[] := '{}';
    v_found bigint[];
    v_found_is_whole boolean;
    v_is_whole boolean;
    v_ids bigint[];
    v_titles jikan.title[];
    -- A single word that merely looks like another is no answer to stop at: "inception",
    -- Conception.
    v_most CONSTANT double precision := CASE WHEN is_vague AND q.seed_2 = '' THEN 0.35 ELSE 1 END;
    v_hits jikan_sync.search_hit[];
BEGIN
    FOREACH v_token IN ARRAY q.tokens LOOP
        v_words := NULL;
        IF length(v_token) > 2 AND v_token ~ '^[a-z]+$' THEN
            IF is_vague AND length(v_token) > 4 THEN
                v_words := jikan_sync.resemble_word(v_token);
                v_is_new := v_is_new OR v_words IS NOT NULL;
            END IF;
            v_words := v_words || jikan_sync.correct_word(v_token);
        END IF;
        v_readings := v_readings || coalesce(array_to_string(v_words, ' '), '');
    END LOOP;
    IF is_vague AND NOT v_is_new THEN
        RETURN NULL;
    END IF;

    -- All words must be there, so of the two longest the one that fewer anime have is gone by; a
    -- word that more have than were read only where the other is no better.
    FOREACH v_token IN ARRAY ARRAY[q.seed, q.seed_2] LOOP
        EXIT WHEN v_token = '' OR v_is_whole AND cardinality(v_ids) <= 150;
        v_words := string_to_array(v_readings[array_position(q.tokens, v_token)], ' ');
        v_found := ARRAY(SELECT f.anime_id FROM jikan_sync.find_anime(v_token, 100) AS f);
        v_found_is_whole := cardinality(v_found) < 100;
        v_found := ARRAY(
            SELECT unnest(v_found)
            UNION
            SELECT f.anime_id
            FROM unnest(v_words[1:6]) AS k (word)
            CROSS JOIN LATERAL (
                SELECT w.anime_id
                FROM jikan_sync.find_word(k.word, k.word || chr(1), 25) AS w
                UNION ALL
                SELECT t.anime_id
                FROM jikan_sync.find_key(
                    jikan_sync.fold_title(k.word),
                    jikan_sync.fold_title(k.word) || U&'\+10FFFF',
                    50
                ) AS t
            ) AS f
        );
        IF v_ids IS NULL
            OR v_found_is_whole AND NOT v_is_whole
            OR v_found_is_whole = v_is_whole AND cardinality(v_found) < cardinality(v_ids)
        THEN
            v_ids := v_found;
            v_is_whole := v_found_is_whole;
        END IF;
    END LOOP;

    FOR v_place IN 1 .. cardinality(v_readings) LOOP
        EXIT WHEN v_titles = '{}';
        CONTINUE WHEN q.tokens[v_place] IN ('the', 'a', 'an') AND cardinality(q.tokens) > 1;
        v_words := string_to_array(v_readings[v_place], ' ');
        IF v_titles IS NULL THEN
            v_titles := ARRAY(
                SELECT t
                FROM unnest(v_ids) AS c (anime_id)
                INNER JOIN jikan.title AS t ON t.anime_id = c.anime_id
                WHERE (q.number IS NULL OR abs(q.number) = abs(t.number))
                    AND (
                        (' ' || t.words) LIKE '% ' || q.tokens[v_place] || '%'
                        OR string_to_array(t.words, ' ') || t.key && v_words
                    )
                ORDER BY t.tier, length(t.words)
                LIMIT 1000
            );
        ELSE
            v_titles := ARRAY(
                SELECT t
                FROM unnest(v_titles) AS t
                WHERE (' ' || t.words) LIKE '% ' || q.tokens[v_place] || '%'
                    OR string_to_array(t.words, ' ') || t.key && v_words
            );
        END IF;
    END LOOP;

    SELECT
        array_agg(
            (
                t.anime_id,
                t.title,
                'fuzzy',
                least(
                    0.10
                    + 0.12 * jikan_sync.popularity_share(a.members, a.score)
                    + 0.30 * greatest(
                        jikan_sync.title_similarity(q.name, t.words),
                        CASE WHEN q.base = q.name THEN jikan_sync.title_similarity(q.key, t.key) END
                    )
                    + 0.03 * least(1, length(q.key)::real / length(t.key))
                    - CASE
                        WHEN q.number IS NULL THEN float8 '0.03' * least(abs(t.number) - 1, 1)
                        ELSE 0
                    END,
                    v_most
                )
            )::jikan_sync.search_hit
        )
    INTO v_hits
    FROM unnest(v_titles[1:50]) AS t
    INNER JOIN jikan_sync.findable AS a ON a.id = t.anime_id
    WHERE jikan_sync.admits(v_filter, a);
    RETURN v_hits;
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_spelling(jikan_sync.search_query, boolean) IS
'Anime with a title that has all words of the query, some of them a slip away (rank 0.1 to 0.55), or
when `is_vague` merely alike (a single word: 0.35 at most).';

COMMIT;
