-- Deploy pgjikan:functions/search/story_words to pg
-- requires: schema/namespaces

-- How a text is taken apart into words, for synopses and queries alike, and which language a query
-- is in: that of which it has the most little words. Scripts without spaces are cut where the
-- script changes, which in Japanese is mostly between a word and its ending.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.story_words(content text)
RETURNS TABLE (word text, lexeme text, uses integer)
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
ROWS 50
BEGIN ATOMIC
    SELECT
        w.word,
        (ts_lexize('pg_catalog.english_stem', w.word))[1] AS lexeme,
        count(*)::integer AS uses
    FROM (
        SELECT m.m[1] AS word
        FROM
            regexp_matches(
                lower(story_words.content),
                '[\u30a1-\u30fa\u30fc]+|[\u4e00-\u9fff]+|[\uac00-\ud7a3]+|'
                '[0-9a-z\u00df-\u02af\u0370-\u052f\u0600-\u06ff\u0e00-\u0e7f]+',
                'g'
            ) AS m (m)
    ) AS w
    GROUP BY w.word;
END;

COMMENT ON FUNCTION jikan_sync.story_words(text) IS
'The words of a text, lower case, each with how often it is used and, as an English word, without
its ending; `lexeme` NULL: it is an English word that says nothing (the, of). Hiragana, mostly
endings, is left out.';

CREATE FUNCTION jikan_sync.is_little_word(word text, dictionary regdictionary)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT ts_lexize(is_little_word.dictionary, is_little_word.word) = '{}';
END;

COMMENT ON FUNCTION jikan_sync.is_little_word(text, regdictionary) IS
'Whether a word says nothing by itself in a language (a stop word of its dictionary).';

CREATE FUNCTION jikan_sync.query_language(words text[])
RETURNS regdictionary
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT d.dictionary
    FROM (
        VALUES
        ('pg_catalog.english_stem'::regdictionary, 1),
        ('pg_catalog.spanish_stem'::regdictionary, 2),
        ('pg_catalog.portuguese_stem'::regdictionary, 3),
        ('pg_catalog.german_stem'::regdictionary, 4),
        ('pg_catalog.french_stem'::regdictionary, 5),
        ('pg_catalog.italian_stem'::regdictionary, 6),
        ('pg_catalog.russian_stem'::regdictionary, 7),
        ('pg_catalog.dutch_stem'::regdictionary, 8),
        ('pg_catalog.turkish_stem'::regdictionary, 9)
    ) AS d (dictionary, number)
    CROSS JOIN
        LATERAL (
            SELECT count(*) AS hits
            FROM unnest(query_language.words) AS w (word)
            WHERE jikan_sync.is_little_word(w.word, d.dictionary)
        ) AS c
    ORDER BY c.hits DESC, d.number
    LIMIT 1;
END;

COMMENT ON FUNCTION jikan_sync.query_language(text[]) IS
'The language of a query by its little words, as the dictionary that knows them; English where none
has more.';

CREATE FUNCTION jikan_sync.foreign_words(query text)
RETURNS TABLE (word text)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 10
BEGIN ATOMIC
    WITH told AS MATERIALIZED (
        SELECT jikan_sync.query_language(array_agg(w.word)) AS language
        FROM jikan_sync.story_words(foreign_words.query) AS w
    )

    SELECT w.word
    FROM jikan_sync.story_words(foreign_words.query) AS w
    CROSS JOIN told AS t
    WHERE
        CASE
            WHEN t.language = 'pg_catalog.english_stem'::regdictionary THEN w.word !~ '^[0-9a-z]'
            ELSE NOT jikan_sync.is_little_word(w.word, t.language)
        END
    LIMIT 30;  -- noqa: AM09
END;

COMMENT ON FUNCTION jikan_sync.foreign_words(text) IS
'The words of a query that are not English: those of another script, and if the query is in another
language, all that say something; 30 at most.';

COMMIT;
