-- Deploy pgjikan:functions/search/search_query to pg
-- requires: functions/search/normalise_query
-- requires: functions/search/normalise_season
-- requires: functions/face/admits

-- A search as its stages read it: taken apart once, with its filters, in one value.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TYPE jikan_sync.search_query AS (
    typed text,
    is_plain boolean,
    words text,
    key text,
    name text,
    base text,
    number integer,
    tokens text [],
    patterns text [],
    seed text,
    seed_2 text,
    filter jikan_sync.face_filter,
    read_rows integer
);

COMMENT ON TYPE jikan_sync.search_query IS
'A search taken apart by `jikan_sync.parse_query`.';
COMMENT ON COLUMN jikan_sync.search_query.typed IS
'The query to the mark: `jikan_sync.marked_title`.';
COMMENT ON COLUMN jikan_sync.search_query.is_plain IS
'Whether it is plain words, typed without a mark or a capital.';
COMMENT ON COLUMN jikan_sync.search_query.words IS 'The normalised query.';
COMMENT ON COLUMN jikan_sync.search_query.key IS 'The query as titles'' keys are compared.';
COMMENT ON COLUMN jikan_sync.search_query.name IS 'The words without season number.';
COMMENT ON COLUMN jikan_sync.search_query.base IS 'The key of the name.';
COMMENT ON COLUMN jikan_sync.search_query.number IS
'The season number, negative if "part"; NULL where the query names none.';
COMMENT ON COLUMN jikan_sync.search_query.tokens IS 'The words of the name, 8 at most.';
COMMENT ON COLUMN jikan_sync.search_query.patterns IS
'LIKE patterns, one a word that must be there, for a title''s words with a space before.';
COMMENT ON COLUMN jikan_sync.search_query.seed IS
'The longest word, as the one that fewest titles have; "" where no word tells.';
COMMENT ON COLUMN jikan_sync.search_query.seed_2 IS 'The second longest word, or "".';
COMMENT ON COLUMN jikan_sync.search_query.filter IS 'What the anime must be besides.';
COMMENT ON COLUMN jikan_sync.search_query.read_rows IS
'How many rows a stage may read of a range: enough for an answer, more where a filter drops most.';

CREATE FUNCTION jikan_sync.parse_query(
    query text,
    max_rows integer,
    filter jikan_sync.face_filter
)
RETURNS jikan_sync.search_query
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_weak CONSTANT text[] := '{the,no,of,to,wa,ga,ni,wo,o,a,an,and,de,mo,e,in,on,x}'::text[];
    -- Articles, and particles that are romanised in two ways: "wo" is "o".
    c_loose CONSTANT text[] := '{the,a,an,wo,o,he,e,ha,wa}'::text[];
    c_japanese CONSTANT text := '[\u3040-\u30ff\u3400-\u9fff]';
    q jikan_sync.search_query;
    v_season record;
    v_is_single boolean;
    v_length integer;
    v_token text;
BEGIN
    q.typed := btrim(jikan_sync.marked_title(left(query, 200)));
    q.words := coalesce(jikan_sync.normalise_query(query), '');
    q.is_plain := q.words = btrim(query) AND octet_length(query) = length(query);
    q.key := jikan_sync.fold_title(q.words);
    q.name := q.words;
    q.base := q.key;
    IF jikan_sync.may_have_season(q.words) THEN
        v_season := jikan_sync.split_season(q.words);
        q.name := v_season.name;
        q.number := v_season.number;
        q.base := jikan_sync.fold_title(q.name);
    END IF;
    q.tokens := (string_to_array(q.name, ' '))[1:8];
    v_is_single := cardinality(q.tokens) <= 1;
    q.patterns := '{}';
    q.seed := '';
    q.seed_2 := '';
    FOREACH v_token IN ARRAY q.tokens LOOP
        v_length := octet_length(v_token);
        CONTINUE WHEN v_length < 4 AND v_token = ANY (c_loose) AND NOT v_is_single;
        IF v_length > 2 AND v_token ~ c_japanese THEN
            v_token := jikan_sync.fold_kana(v_token);
            q.patterns := q.patterns || ('%' || v_token || '%');
            v_token := left(v_token, 8);
        ELSE
            q.patterns := q.patterns || ('% ' || v_token || '%');
            v_token := left(v_token, 24);
        END IF;
        v_length := octet_length(v_token);
        CONTINUE WHEN v_length < 5
            AND (v_token = ANY (c_weak) OR length(v_token) < 2)
            OR v_token = q.seed;
        IF v_length > octet_length(q.seed) THEN
            q.seed_2 := q.seed;
            q.seed := v_token;
        ELSIF v_length > octet_length(q.seed_2) THEN
            q.seed_2 := v_token;
        END IF;
    END LOOP;
    q.filter := filter;
    q.read_rows := CASE
        WHEN filter.is_narrow THEN 3000
        ELSE 30 + 3 * max_rows
    END;
    RETURN q;
END;
$$;

COMMENT ON FUNCTION jikan_sync.parse_query(text, integer, jikan_sync.face_filter) IS
'Takes a search apart. `words` is empty where nothing is left to search for.';

COMMIT;
