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

CREATE FUNCTION jikan_sync.join_parts(parts integer[], plain text)
RETURNS integer[]
LANGUAGE plpgsql
IMMUTABLE
STRICT
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_part integer[];
    v_last integer := 0;
    v_joined integer[] := '{}';
BEGIN
    IF parts = '{}' THEN
        RETURN parts;
    END IF;
    FOREACH v_part SLICE 1 IN ARRAY parts LOOP
        IF v_last > 0 AND v_part[1] < v_joined[v_last][2] THEN
            -- Not in order, which is seldom: {[0,1),[2,3)} is {{0,1},{2,3}}.
            RETURN (
                SELECT translate(
                    range_agg(int4range(parts[n][1], parts[n][2]))::text, '[)', '{}'
                )::integer[]
                FROM generate_subscripts(parts, 1) AS n
            );
        ELSIF v_last > 0
            AND btrim(
                substr(plain, v_joined[v_last][2] + 2, v_part[1] - v_joined[v_last][2])
            ) = ''
        THEN
            v_joined[v_last][2] := v_part[2];
        ELSE
            v_joined := v_joined || ARRAY[v_part];
            v_last := v_last + 1;
        END IF;
    END LOOP;
    RETURN v_joined;
END;
$$;

COMMENT ON FUNCTION jikan_sync.join_parts(integer[], text) IS
'Pairs of characters in order; as one, those with only spaces between them in `plain`, which has one
character more in front.';

CREATE FUNCTION jikan_sync.highlight_words(words text, title text, is_fuzzy boolean)
RETURNS integer[]
LANGUAGE plpgsql
IMMUTABLE
STRICT
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- As words are normalised, but a space for every mark: each letter stays where it stood.
    v_plain CONSTANT text := ' ' || CASE
        WHEN octet_length(title) = length(title)
            THEN regexp_replace(lower(title COLLATE pg_c_utf8), '[^a-z0-9]', ' ', 'g')
        ELSE regexp_replace(
            jikan_sync.bare_letters(title),
            '[^[:alnum:]\u0591-\u05c7\u0610-\u06ff\u0900-\u0eff]',
            ' ',
            'g'
        )
    END;
    v_key text;
    v_token text;
    v_piece text;
    v_at integer;
    v_start integer;
    v_length integer;
    v_end integer := 0;
    v_likeness double precision;
    v_best double precision;
    v_is_apart boolean := true;
    v_found integer[] := '{}';
BEGIN
    FOREACH v_token IN ARRAY (string_to_array(words, ' '))[1:8] LOOP
        v_start := strpos(v_plain, ' ' || v_token);
        v_length := length(v_token);
        IF v_start = 0 AND NOT is_fuzzy THEN
            v_start := strpos(v_plain, v_token) - 1;
            IF v_start < 1 OR octet_length(v_token) = v_length THEN
                v_is_apart := false;
                v_start := 0;
            END IF;
        ELSIF v_start = 0 AND v_length > 2 THEN
            v_best := 0.3;
            v_at := 0;
            FOREACH v_piece IN ARRAY string_to_array(v_plain, ' ') LOOP
                -- Alike are only words of about one length, and to compare is dear.
                IF length(v_piece) BETWEEN length(v_token) - 3 AND length(v_token) + 3 THEN
                    v_likeness := jikan_sync.title_similarity(v_token, v_piece);
                    IF v_likeness > v_best THEN
                        v_best := v_likeness;
                        v_start := v_at;
                        v_length := length(v_piece);
                    END IF;
                END IF;
                v_at := v_at + length(v_piece) + 1;
            END LOOP;
        END IF;
        IF v_start > 0 THEN
            v_found := v_found || ARRAY[[v_start - 1, v_start - 1 + v_length]];
        END IF;
    END LOOP;
    IF v_is_apart THEN
        RETURN jikan_sync.join_parts(v_found, v_plain);
    END IF;

    -- Not word by word: the title may begin so but for spaces and long vowels.
    v_key := jikan_sync.fold_title(words);
    IF NOT starts_with(jikan_sync.fold_title(v_plain), v_key) THEN
        RETURN jikan_sync.join_parts(v_found, v_plain);
    END IF;
    v_end := length(v_key);
    LOOP
        v_at := length(v_key) - length(jikan_sync.fold_title(left(v_plain, v_end + 1)));
        EXIT WHEN v_at <= 0;
        v_end := v_end + v_at;
    END LOOP;
    RETURN ARRAY[[0, v_end]];
END;
$$;

COMMENT ON FUNCTION jikan_sync.highlight_words(text, text, boolean) IS
'Where in `title` the normalised `words` are: for each the first word that begins so or, when
`is_fuzzy` and none does, the one most like it; its beginning, if it begins so but for spaces and
marks.';

CREATE FUNCTION jikan_sync.highlight(words text, title text, match text)
RETURNS integer[]
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_at integer;
BEGIN
    IF match = 'exact' THEN
        RETURN ARRAY[[0, length(title)]];
    ELSIF match IN ('prefix', 'fuzzy') THEN
        -- Most often it stands there as it was typed, which a tenth of the time tells.
        v_at := strpos(' ' || lower(title COLLATE pg_c_utf8), ' ' || words) - 1;
        IF v_at >= 0 THEN
            RETURN ARRAY[[v_at, v_at + length(words)]];
        END IF;
        RETURN jikan_sync.highlight_words(words, title, match = 'fuzzy');
    END IF;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.highlight(text, text, text) IS
'The part of `title` that the normalised `words` matched so (exact, prefix or fuzzy; NULL for any
other): pairs of characters from 0, the first of a part and the first behind it. No range type: what
drivers make of one is no JSON.';

COMMIT;
