-- Deploy pgjikan:functions/search/correct_words to pg
-- requires: schema/title

-- What a misspelt word may have meant: the words of the vocabulary that are a slip away, or that
-- look like it.

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
        LIMIT 16
    ) AS c;
END;

COMMENT ON FUNCTION jikan_sync.correct_word(text) IS
'The words that `word` may have been meant for, those a slip away; those with the same
first letter first, then the popular. NULL: none.';

CREATE FUNCTION jikan_sync.is_word(word text)
RETURNS boolean
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT count(*) > 0 FROM jikan_sync.vocabulary AS v
    WHERE v.word = is_word.word;
END;

COMMENT ON FUNCTION jikan_sync.is_word(text) IS
'Whether some title has the word.';

CREATE FUNCTION jikan_sync.alike_words(word text)
RETURNS text[]
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT array_agg(c.word)
    FROM (
        SELECT v.word
        FROM jikan_sync.vocabulary AS v
        WHERE v.word % alike_words.word
        GROUP BY v.word
        ORDER BY similarity(v.word, alike_words.word) DESC, min(v.tier)
        LIMIT 8
    ) AS c;
END;

COMMENT ON FUNCTION jikan_sync.alike_words(text) IS
'The words that are most like `word` by trigrams, of those over pg_trgm.similarity_threshold.';

CREATE FUNCTION jikan_sync.resemble_word(word text)
RETURNS text[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_threshold CONSTANT text := 'pg_trgm.similarity_threshold';
    v_before text;
    v_words text[];
BEGIN
    -- Two slips leave a word of eight letters two of its nine trigrams. No SET clause, as only a
    -- superuser may create a function with one before the extension's library is loaded, which
    -- would stand in the way of a restore.
    v_before := coalesce(current_setting(c_threshold, true), '0.3');
    PERFORM set_config(c_threshold, '0.23', true);
    v_words := jikan_sync.alike_words(word);
    PERFORM set_config(c_threshold, v_before, true);
    RETURN v_words;
END;
$$;

COMMENT ON FUNCTION jikan_sync.resemble_word(text) IS
'The words that look most like `word`, by trigrams, likest first. NULL: none.';

CREATE FUNCTION jikan_sync.word_alikeness(word text, words text)
RETURNS real
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT word_similarity(word_alikeness.word, word_alikeness.words);
END;

COMMENT ON FUNCTION jikan_sync.word_alikeness(text, text) IS
'How much some stretch of `words` looks like `word`, by trigrams: 0 to 1.';

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

CREATE FUNCTION jikan_sync.correct_words(words text[])
RETURNS text[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_word text;
    v_readings text[] := '{}'::text[];
BEGIN
    FOREACH v_word IN ARRAY words LOOP
        v_readings := v_readings || CASE
            WHEN length(v_word) > 2 AND v_word !~ '[^a-z]'
                THEN coalesce(array_to_string(jikan_sync.correct_word(v_word), ' '), '')
            ELSE ''
        END;
    END LOOP;
    RETURN v_readings;
END;
$$;

COMMENT ON FUNCTION jikan_sync.correct_words(text[]) IS
'What each of the words may have been meant for: `jikan_sync.correct_word`, separated by blanks.';

COMMIT;
