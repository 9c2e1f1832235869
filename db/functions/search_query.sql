-- Deploy pgjikan:functions/search_query to pg
-- requires: functions/normalise_query
-- requires: functions/normalise_season

-- A search as its stages read it: taken apart once, with its filters, in one value.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TYPE jikan_sync.search_query AS (
    words text,
    key text,
    name text,
    base text,
    number integer,
    tokens text [],
    patterns text [],
    seed text,
    seed_2 text,
    types text [],
    statuses text [],
    genres text [],
    year_from integer,
    year_to integer,
    min_score double precision,
    nsfw boolean,
    read_rows integer
);

COMMENT ON TYPE jikan_sync.search_query IS
'A search taken apart by `jikan_sync.parse_query`.';
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
COMMENT ON COLUMN jikan_sync.search_query.types IS 'Filter: the anime is of one of these types.';
COMMENT ON COLUMN jikan_sync.search_query.statuses IS
'Filter: the anime has one of these statuses.';
COMMENT ON COLUMN jikan_sync.search_query.genres IS 'Filter: it has all these genres; lower case.';
COMMENT ON COLUMN jikan_sync.search_query.year_from IS 'Filter: first year.';
COMMENT ON COLUMN jikan_sync.search_query.year_to IS 'Filter: last year.';
COMMENT ON COLUMN jikan_sync.search_query.min_score IS 'Filter: least score.';
COMMENT ON COLUMN jikan_sync.search_query.nsfw IS 'Filter: whether adult anime may be found.';
COMMENT ON COLUMN jikan_sync.search_query.read_rows IS
'How many rows a stage may read of a range: enough for an answer, more where a filter drops most.';

CREATE FUNCTION jikan_sync.parse_query(
    words text,
    max_rows integer,
    types text[],
    statuses text[],
    genres text[],
    year_from integer,
    year_to integer,
    min_score double precision,
    nsfw boolean
)
RETURNS jikan_sync.search_query
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_weak CONSTANT text[] := '{the,no,of,to,wa,ga,ni,wo,o,a,an,and,de,mo,e,in,on,x}';
    c_japanese CONSTANT text := '[\u3040-\u30ff\u3400-\u9fff]';
    q jikan_sync.search_query;
    v_token text;
BEGIN
    q.words := words;
    q.key := jikan_sync.fold_title(words);
    SELECT s.name, s.number INTO q.name, q.number FROM jikan_sync.split_season(words) AS s;
    q.base := jikan_sync.fold_title(q.name);
    q.tokens := (string_to_array(q.name, ' '))[1:8];
    q.patterns := '{}';
    q.seed := '';
    q.seed_2 := '';
    FOREACH v_token IN ARRAY q.tokens LOOP
        CONTINUE WHEN v_token IN ('the', 'a', 'an') AND cardinality(q.tokens) > 1;
        IF v_token ~ c_japanese THEN
            q.patterns := q.patterns || ('%' || v_token || '%');
            v_token := left(v_token, 8);
        ELSE
            q.patterns := q.patterns || ('% ' || v_token || '%');
            v_token := left(v_token, 24);
        END IF;
        CONTINUE WHEN v_token = ANY (c_weak) OR length(v_token) < 2 OR v_token = q.seed;
        IF octet_length(v_token) > octet_length(q.seed) THEN
            q.seed_2 := q.seed;
            q.seed := v_token;
        ELSIF octet_length(v_token) > octet_length(q.seed_2) THEN
            q.seed_2 := v_token;
        END IF;
    END LOOP;
    q.types := types;
    q.statuses := statuses;
    q.genres := lower(genres::text)::text[];
    q.year_from := year_from;
    q.year_to := year_to;
    q.min_score := min_score;
    q.nsfw := nsfw;
    q.read_rows := CASE
        WHEN coalesce(types, statuses, genres) IS NULL
            AND coalesce(year_from, year_to, min_score) IS NULL
            THEN 30 + 3 * max_rows
        ELSE 3000
    END;
    RETURN q;
END;
$$;

COMMENT ON FUNCTION jikan_sync.parse_query(
    text, integer, text[], text[], text[], integer, integer, double precision, boolean
) IS
'Takes a search apart: `words` as `jikan_sync.normalise_query` has them, not empty.';

COMMIT;
