-- Deploy pgjikan:functions/search/highlight to pg
-- requires: functions/search/correct_words
-- requires: functions/search/normalise_season

-- Which part of a title a search matched, for apps that print it bold. Found anew, from the words
-- and the title as people read it, for the few rows that are shown: so the stages of the search
-- need not keep it. Most often the query stands in the title as it was typed, and one look tells.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.bare_letters(title text)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
STRICT
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_lower text COLLATE pg_c_utf8 := lower(title COLLATE pg_c_utf8);
    v_bare text := normalize(
        regexp_replace(normalize(v_lower, NFKD), '[\u0300-\u036f]+', '', 'g'), NFC
    );
BEGIN
    RETURN CASE WHEN length(v_bare) = length(v_lower) THEN v_bare ELSE v_lower END;
END;
$$;

COMMENT ON FUNCTION jikan_sync.bare_letters(text) IS
'`title` in lower case and, where each letter stays where it stands, without accents and width.';

CREATE FUNCTION jikan_sync.alike_place(word text, plain text)
RETURNS integer[]
LANGUAGE plpgsql
IMMUTABLE
STRICT
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_piece text;
    v_likeness double precision;
    v_best double precision := float8 '0.3';
    v_likest text;
BEGIN
    FOREACH v_piece IN ARRAY string_to_array(plain, ' ') LOOP
        -- Alike are words of about one length that begin or end alike, and to compare is dear.
        IF (left(v_piece, 1) = left(word, 1) OR right(v_piece, 2) = right(word, 2))
            AND abs(length(v_piece) - length(word)) < 4
        THEN
            v_likeness := jikan_sync.word_alikeness(word, v_piece);
            IF v_likeness > v_best THEN
                v_best := v_likeness;
                v_likest := v_piece;
            END IF;
        END IF;
    END LOOP;
    RETURN ARRAY[strpos(plain || ' ', ' ' || v_likest || ' '), length(v_likest)];
END;
$$;

COMMENT ON FUNCTION jikan_sync.alike_place(text, text) IS
'Where in `plain`, which begins with a space, the word stands that is most like `word`, and how long
it is; NULLs: none is.';

CREATE FUNCTION jikan_sync.highlight_words(words text, title text, match text)
RETURNS integer[]
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_plain text COLLATE pg_c_utf8;
    v_key text;
    v_token text;
    v_piece text;
    v_place integer[];
    v_start integer;
    v_length integer;
    v_missing integer;
    v_past integer := -1;
    v_last integer;
    v_is_complete boolean := true;
    v_is_in_order boolean := true;
    v_found integer[] := '{}'::integer[];
BEGIN
    -- As words are normalised, but a space for every mark: each letter stays where it stood.
    v_plain := ' ' || replace(CASE
        WHEN octet_length(title) = length(title)
            THEN regexp_replace(lower(title COLLATE pg_c_utf8), '[^a-z0-9@'']', ' ', 'g')
        ELSE regexp_replace(
            translate(jikan_sync.bare_letters(title), '’‘ʼ´′', '''''''''''') COLLATE pg_c_utf8,
            '[^[:alnum:]@''\u0591-\u05c7\u0610-\u06ff\u0900-\u0eff]',
            ' ',
            'g'
        )
    END, '@', 'a');
    v_start := strpos(v_plain, ' ' || words) - 1;
    IF v_start >= 0 THEN
        RETURN ARRAY[[v_start, v_start + length(words)]];
    END IF;
    FOREACH v_token IN ARRAY (string_to_array(words, ' '))[1:8] LOOP
        v_length := length(v_token);
        v_start := strpos(v_plain, ' ' || v_token) - 1;
        IF v_start < 0 THEN
            IF octet_length(v_token) > v_length THEN
                -- Japanese and Thai write no spaces.
                v_start := strpos(v_plain, v_token) - 2;
            ELSIF strpos(v_plain, '''') > 0 THEN
                -- "dont" stands there as don't.
                v_piece := substring(
                    v_plain
                    FROM ' (''*' || array_to_string(string_to_array(v_token, NULL), '''*') || ')'
                );
                IF v_piece IS NOT NULL THEN
                    v_start := strpos(v_plain, ' ' || v_piece) - 1;
                    v_length := length(v_piece);
                END IF;
            END IF;
            IF match = 'fuzzy' AND v_start < 0 AND v_length > 2 THEN
                v_place := jikan_sync.alike_place(v_token, v_plain);
                IF v_place[1] > 0 THEN
                    v_start := v_place[1] - 1;
                    v_length := v_place[2];
                END IF;
            END IF;
        END IF;
        IF v_start < 0 THEN
            v_is_complete := false;
        ELSIF v_past >= 0 AND v_start < v_past THEN
            v_is_in_order := false;
            v_found := v_found || ARRAY[[v_start, v_start + v_length]];
        ELSIF v_past >= 0 AND btrim(substr(v_plain, v_past + 2, v_start - v_past), ' ''') = '' THEN
            -- Only marks between the two.
            v_past := v_start + v_length;
            v_found[v_last][2] := v_past;
        ELSE
            v_past := v_start + v_length;
            v_found := v_found || ARRAY[[v_start, v_past]];
            v_last := cardinality(v_found) / 2;
        END IF;
    END LOOP;
    IF NOT v_is_complete AND match = 'prefix' THEN
        -- Not word by word: the title may begin so but for spaces and long vowels.
        v_key := jikan_sync.fold_title(words);
        v_plain := replace(v_plain, '''', ' ');
        IF starts_with(jikan_sync.fold_title(v_plain), v_key) THEN
            v_past := length(v_key);
            LOOP
                v_missing := length(v_key) - length(jikan_sync.fold_title(left(v_plain, v_past + 1)));
                EXIT WHEN v_missing <= 0;
                v_past := v_past + v_missing;
            END LOOP;
            RETURN ARRAY[[0, v_past]];
        END IF;
    END IF;
    IF v_is_in_order THEN
        RETURN v_found;
    END IF;
    RETURN (
        -- {[0,1),[2,3)} is {{0,1},{2,3}}.
        SELECT translate(range_agg(int4range(v_found[n][1], v_found[n][2]))::text, '[)', '{}')
        FROM generate_subscripts(v_found, 1) AS n
    )::integer[];
END;
$$;

COMMENT ON FUNCTION jikan_sync.highlight_words(text, text, text) IS
'The part of `jikan_sync.highlight` for what does not stand in the title as it was typed: word by
word.';

CREATE FUNCTION jikan_sync.highlight(words text, title text, match text)
RETURNS integer[]
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    -- Inlined: most often the words stand there as they were typed, and one look tells. A word
    -- begins at its beginning, but Japanese and Thai write no spaces.
    SELECT CASE
        WHEN highlight.match = 'exact' THEN ARRAY[ARRAY[0, length(highlight.title)]]
        WHEN
            highlight.match = 'prefix'
            AND strpos(' ' || lower(highlight.title COLLATE pg_c_utf8), ' ' || highlight.words) > 0
            THEN ARRAY[
                ARRAY[
                    strpos(' ' || lower(highlight.title COLLATE pg_c_utf8), ' ' || highlight.words)
                    - 1,
                    strpos(' ' || lower(highlight.title COLLATE pg_c_utf8), ' ' || highlight.words)
                    - 1 + length(highlight.words)
                ]
            ]
        WHEN
            highlight.match = 'prefix'
            AND octet_length(highlight.words) > length(highlight.words)
            AND strpos(lower(highlight.title COLLATE pg_c_utf8), highlight.words) > 0
            THEN ARRAY[
                ARRAY[
                    strpos(lower(highlight.title COLLATE pg_c_utf8), highlight.words) - 1,
                    strpos(lower(highlight.title COLLATE pg_c_utf8), highlight.words) - 1
                    + length(highlight.words)
                ]
            ]
        WHEN highlight.match IN ('prefix', 'fuzzy')
            THEN
                jikan_sync.highlight_words(highlight.words, highlight.title, highlight.match)
    END;
END;

COMMENT ON FUNCTION jikan_sync.highlight(text, text, text) IS
'The part of `title` that the normalised `words` matched so (exact, prefix or fuzzy; NULL for any
other): pairs of characters from 0, the first of a part and the first behind it. For each word the
first in the title that begins so or, of what is fuzzy, the one most like it; the beginning of the
title where it begins so but for spaces. No range type: what drivers make of one is no JSON.';

COMMIT;
