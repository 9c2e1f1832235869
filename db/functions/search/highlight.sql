-- Deploy pgjikan:functions/search/highlight to pg
-- requires: functions/search/search_spelling

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

CREATE FUNCTION jikan_sync.highlight_words(words text, title text, is_fuzzy boolean)
RETURNS integer[]
LANGUAGE plpgsql
IMMUTABLE
STRICT
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_key CONSTANT text := jikan_sync.fold_title(words);
    -- As words are normalised, but a space for every mark: each letter stays where it stood.
    v_plain CONSTANT text := ' ' || regexp_replace(
        CASE
            WHEN octet_length(title) = length(title) THEN lower(title COLLATE pg_c_utf8)
            ELSE jikan_sync.bare_letters(title)
        END,
        '[^[:alnum:]\u0591-\u05c7\u0610-\u06ff\u0900-\u0eff]',
        ' ',
        'g'
    );
    v_token text;
    v_piece text;
    v_at integer;
    v_start integer;
    v_length integer;
    v_likeness double precision;
    v_best double precision;
    v_found int4multirange;
BEGIN
    IF starts_with(jikan_sync.fold_title(v_plain), v_key) THEN
        v_length := length(v_key);
        WHILE NOT starts_with(jikan_sync.fold_title(left(v_plain, v_length + 1)), v_key) LOOP
            v_length := v_length + 1;
        END LOOP;
        RETURN ARRAY[ARRAY[0, v_length]];
    END IF;

    FOREACH v_token IN ARRAY (string_to_array(words, ' '))[1:8] LOOP
        v_start := strpos(v_plain, ' ' || v_token);
        v_length := length(v_token);
        IF v_start = 0 THEN
            IF v_token ~ '[\u3040-\u30ff\u3400-\u9fff]' THEN
                v_start := strpos(v_plain, v_token) - 1;
            ELSIF is_fuzzy AND v_length > 2 THEN
                v_best := 0.3;
                v_at := 0;
                FOREACH v_piece IN ARRAY string_to_array(v_plain, ' ') LOOP
                    v_likeness := jikan_sync.title_similarity(v_token, v_piece);
                    IF v_likeness > v_best THEN
                        v_best := v_likeness;
                        v_start := v_at;
                        v_length := length(v_piece);
                    END IF;
                    v_at := v_at + length(v_piece) + 1;
                END LOOP;
            END IF;
        END IF;
        IF v_start > 0 THEN
            v_found := coalesce(v_found, '{}')
                + int4multirange(int4range(v_start - 1, v_start - 1 + v_length));
        END IF;
    END LOOP;
    -- {[0,1),[2,3)} is {{0,1},{2,3}}.
    RETURN translate(coalesce(v_found, '{}')::text, '[)', '{}')::integer[];
END;
$$;

COMMENT ON FUNCTION jikan_sync.highlight_words(text, text, boolean) IS
'Where in `title` the normalised `words` are: its beginning, if it begins so but for spaces and
marks; else for each the first word that begins so or, when `is_fuzzy` and none does, the one most
like it.';

CREATE FUNCTION jikan_sync.word_place(words text, title text)
RETURNS integer
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT strpos(' ' || lower(word_place.title COLLATE pg_c_utf8), ' ' || word_place.words);
END;

COMMENT ON FUNCTION jikan_sync.word_place(text, text) IS
'At which character of `title`, from 1, a word begins and `words` stand as they are; 0: at none.';

CREATE FUNCTION jikan_sync.highlight(words text, title text, match text)
RETURNS integer[]
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN highlight.match = 'exact' THEN ARRAY[ARRAY[0, length(highlight.title)]]
        WHEN highlight.match NOT IN ('prefix', 'fuzzy') THEN NULL
        -- As it was typed: that is seen in a tenth of the time of the call.
        WHEN jikan_sync.word_place(highlight.words, highlight.title) > 0
            THEN ARRAY[
                ARRAY[
                    jikan_sync.word_place(highlight.words, highlight.title) - 1,
                    jikan_sync.word_place(highlight.words, highlight.title) - 1
                    + length(highlight.words)
                ]
            ]
        ELSE jikan_sync.highlight_words(
            highlight.words, highlight.title, highlight.match = 'fuzzy'
        )
    END;
END;

COMMENT ON FUNCTION jikan_sync.highlight(text, text, text) IS
'The part of `title` that the normalised `words` matched so (exact, prefix or fuzzy; NULL for any
other): pairs of characters from 0, the first of a part and the first behind it. No range type: what
drivers make of one is no JSON.';

COMMIT;
