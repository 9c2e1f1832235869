-- Deploy pgjikan:functions/search/search_bare to pg
-- requires: functions/search/bare_queries
-- requires: functions/search/search_titles

-- A search again, read in another way: without the words around the title, or with its particles
-- romanised as the title has them.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.prefer_hits(
    hits jikan_sync.search_hit[],
    year integer,
    types text[]
)
RETURNS jikan_sync.search_hit[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF hits IS NULL OR year IS NULL AND types IS NULL THEN
        RETURN hits;
    END IF;
    RETURN (
        SELECT array_agg(
            (
                h.anime_id,
                h.matched_title,
                h.match,
                greatest(
                    h.rank
                    - CASE
                        WHEN prefer_hits.year IS NULL THEN 0
                        -- Catalogues differ by a year about what begins in winter.
                        WHEN coalesce(abs(a.year - prefer_hits.year), 1) = 1 THEN float8 '0.06'
                        WHEN a.year <> prefer_hits.year THEN float8 '0.2'
                        ELSE 0
                    END
                    - CASE WHEN a.type <> ALL (prefer_hits.types) THEN float8 '0.4' ELSE 0 END,
                    0.01
                )
            )::jikan_sync.search_hit
        )
        FROM unnest(hits) AS h
        INNER JOIN jikan_sync.findable AS a ON a.id = h.anime_id
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.prefer_hits(jikan_sync.search_hit[], integer, text[]) IS
'The hits, those of another year or type ranked lower; NULL asks for nothing.';

CREATE FUNCTION jikan_sync.read_bare(
    typed text,
    OUT query text,
    OUT year integer,
    OUT types text[]
)
RETURNS record
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_bare jikan_sync.bare_query;
    v_is_title boolean := false;
    v_less text;
BEGIN
    IF NOT jikan_sync.may_be_bare(typed) THEN
        RETURN;
    END IF;
    FOREACH v_bare IN ARRAY jikan_sync.bare_queries(typed) LOOP
        v_is_title := jikan_sync.is_title(v_bare.query);
        EXIT WHEN v_is_title;
    END LOOP;
    IF NOT v_is_title AND right(coalesce(v_bare.query, typed), 1) BETWEEN '0' AND '9' THEN
        -- "One Piece 1071" is an episode, but only a title tells that the number is none of it.
        v_less := substring(coalesce(v_bare.query, typed) FROM '^(.*[^ ]) +[0-9]{2,4}$');
        IF jikan_sync.is_title(v_less) THEN
            v_bare.query := v_less;
        END IF;
    END IF;
    query := v_bare.query;
    year := v_bare.year;
    types := v_bare.types;
END;
$$;

COMMENT ON FUNCTION jikan_sync.read_bare(text) IS
'A query without the words around its title, and what those ask for, see `jikan_sync.prefer_hits`;
all NULL where there are none.';

CREATE FUNCTION jikan_sync.search_otherwise(q jikan_sync.search_query, max_rows integer)
RETURNS jikan_sync.search_hit[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_words text[] := string_to_array(q.words, ' ');
    v_other text[];
    v_hits jikan_sync.search_hit[];
BEGIN
    IF NOT v_words && '{o,wo,e,he,wa,ha}' THEN
        -- "Street Fighter II 5": of two numbers the last is none of a season, and may be V.
        IF q.number IS NULL OR q.name !~ ' ([2-9]|10)$' OR q.words !~ ' ([2-9]|10)$' THEN
            RETURN NULL;
        END IF;
        v_words[cardinality(v_words)] := lower(btrim(to_char(right(q.words, 2)::integer, 'RN')));
        RETURN jikan_sync.search_titles(
            jikan_sync.parse_query(array_to_string(v_words, ' '), max_rows, q.filter)
        );
    END IF;
    FOREACH v_other SLICE 1 IN ARRAY ARRAY[
        array_replace(array_replace(v_words, 'o', 'wo'), 'e', 'he'),
        array_replace(array_replace(array_replace(v_words, 'wo', 'o'), 'he', 'e'), 'ha', 'wa'),
        array_replace(v_words, 'wa', 'ha')
    ] LOOP
        CONTINUE WHEN v_other = v_words;
        v_hits := jikan_sync.search_titles(
            jikan_sync.parse_query(array_to_string(v_other, ' '), max_rows, q.filter)
        );
        EXIT WHEN v_hits IS NOT NULL;
    END LOOP;
    RETURN v_hits;
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_otherwise(jikan_sync.search_query, integer) IS
'What the query finds with its Japanese particles romanised otherwise: wo for o, he for e, ha for
wa, and the other way round; or its last number in Roman figures. NULL: none.';

COMMIT;
