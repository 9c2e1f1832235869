-- Deploy pgjikan:functions/search_ranked to pg
-- requires: schema/title
-- requires: functions/index_titles
-- requires: functions/normalise_query

-- The search engine. Stages from sure to vague, each with a band of rank of its own, popularity only inside a
-- band; a stage runs only while the answer has room. Every stage reads at most a fixed number of rows,
-- the most popular first, so no query is slow and none grows with the catalogue.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TYPE jikan_sync.search_hit AS (
    anime_id bigint,
    matched_title text,
    match text,
    rank real
);

CREATE FUNCTION jikan_sync.find_key(first text, past text, max_rows integer)
RETURNS SETOF jikan.title
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 20
BEGIN ATOMIC
    SELECT t.*
    FROM generate_series(22, 0, -1) AS w (weight)
    CROSS JOIN LATERAL (
        SELECT i.*
        FROM jikan.title AS i
        WHERE i.weight = w.weight
            AND i.key >= find_key.first COLLATE "C"
            AND i.key < find_key.past COLLATE "C"
        ORDER BY i.weight, i.key
        LIMIT find_key.max_rows
    ) AS t
    LIMIT find_key.max_rows;
END;

CREATE FUNCTION jikan_sync.find_base(first text, past text, max_rows integer)
RETURNS SETOF jikan.title
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 20
BEGIN ATOMIC
    SELECT t.*
    FROM generate_series(22, 0, -1) AS w (weight)
    CROSS JOIN LATERAL (
        SELECT i.*
        FROM jikan.title AS i
        WHERE i.weight = w.weight
            AND i.base >= find_base.first COLLATE "C"
            AND i.base < find_base.past COLLATE "C"
        ORDER BY i.weight, i.base
        LIMIT find_base.max_rows
    ) AS t
    LIMIT find_base.max_rows;
END;

CREATE FUNCTION jikan_sync.find_word(first text, past text, max_rows integer)
RETURNS SETOF bigint
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 20
BEGIN ATOMIC
    SELECT t.anime_id
    FROM generate_series(22, 0, -1) AS w (weight)
    CROSS JOIN LATERAL (
        SELECT i.anime_id
        FROM jikan_sync.title_word AS i
        WHERE i.weight = w.weight
            AND i.word >= find_word.first COLLATE "C"
            AND i.word < find_word.past COLLATE "C"
        ORDER BY i.weight, i.word
        LIMIT find_word.max_rows
    ) AS t
    LIMIT find_word.max_rows;
END;

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
        WHERE (jikan_sync.spelling_keys(v.word)) COLLATE "C"
            && (jikan_sync.spelling_keys(correct_word.word)) COLLATE "C"
            AND v.word <> correct_word.word
        LIMIT 30
    ) AS c;
END;

CREATE FUNCTION jikan_sync.search_admits(
    anime jikan.anime,
    types text[],
    statuses text[],
    genres text[],
    year_from integer,
    year_to integer,
    min_score numeric,
    nsfw boolean
)
RETURNS boolean
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT (anime).removed_at IS NULL
        AND (nsfw OR NOT (anime).is_nsfw)
        AND (types IS NULL OR (anime).type = any(types))
        AND (statuses IS NULL OR (anime).status = any(statuses))
        AND (genres IS NULL OR (anime).genre_names @> genres)
        AND (min_score IS NULL OR (anime).score >= min_score)
        AND (
            year_from IS NULL
            OR coalesce((anime).year, extract(YEAR FROM (anime).aired_from AT TIME ZONE 'UTC')) >= year_from
        )
        AND (
            year_to IS NULL
            OR coalesce((anime).year, extract(YEAR FROM (anime).aired_from AT TIME ZONE 'UTC')) <= year_to
        );
END;

CREATE FUNCTION jikan_sync.title_similarity(one text, other text)
RETURNS real
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT similarity(one, other);
END;

CREATE FUNCTION jikan_sync.search_ranked(
    query text,
    max_rows integer,
    types text[],
    statuses text[],
    genres text[],
    year_from integer,
    year_to integer,
    min_score numeric,
    nsfw boolean
)
RETURNS TABLE (
    anime_id bigint,
    matched_title text,
    match text,
    rank real,
    is_confident boolean
)
LANGUAGE plpgsql
STABLE
ROWS 20
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    c_last CONSTANT text := U&'\+10FFFF';
    c_particles CONSTANT text[] := '{the,no,of,to,wa,ga,ni,wo,o,a,an,and,de,mo,e,in,on,x}';
    c_japanese CONSTANT text := '[\u3040-\u30ff\u3400-\u9fff]';
    v_words text COLLATE "C" := jikan_sync.normalise_query(query);
    v_key text COLLATE "C";
    v_name text COLLATE "C";
    v_number integer;
    v_base text COLLATE "C";
    v_tokens text[];
    v_seeds text[];
    v_patterns text[];
    v_infixes text[];
    v_hits jikan_sync.search_hit[];
    v_more jikan_sync.search_hit[];
    v_count integer;
    v_filtered boolean;
    v_scan integer;
    v_top real;
    v_seed text;
    v_token text;
    v_alternatives text[];
    v_regexes text[];
    v_ids bigint[];
BEGIN
    IF coalesce(v_words, '') = '' THEN
        RETURN;
    END IF;
    v_key := replace(v_words, ' ', '');
    SELECT s.name, s.number INTO v_name, v_number FROM jikan_sync.split_season(v_words) AS s;
    v_base := jikan_sync.fold_name(v_name);
    v_filtered := coalesce(types, statuses, genres) IS NOT NULL
        OR coalesce(year_from, year_to) IS NOT NULL
        OR min_score IS NOT NULL;
    v_scan := CASE WHEN v_filtered THEN 5000 ELSE 40 + 2 * max_rows END;

    -- Whole titles, initials, beginnings of titles.
    SELECT array_agg(h) INTO v_hits
    FROM (
        SELECT DISTINCT ON (c.anime_id)
            (c.anime_id, c.title, c.match, c.rank)::jikan_sync.search_hit AS h
        FROM (
            SELECT
                x.anime_id,
                x.title,
                x.match,
                (CASE x.band
                    WHEN 1 THEN 0.96 + 0.04 * p.popularity
                    WHEN 2 THEN 0.91 + 0.04 * p.popularity
                    WHEN 3 THEN 0.80 + 0.10 * p.popularity
                    WHEN 4 THEN 0.80 + 0.10 * p.popularity
                    ELSE 0.70 + 0.20 * p.popularity
                END)::real AS rank
            FROM (
                SELECT t.anime_id, t.title, 'exact' AS match, 1 AS band
                FROM jikan_sync.find_key(v_key || '', v_key || chr(1), v_scan) AS t
                UNION ALL
                SELECT
                    t.anime_id,
                    t.title,
                    CASE WHEN coalesce(v_number, 1) = t.number THEN 'exact' ELSE 'prefix' END,
                    CASE WHEN coalesce(v_number, 1) = t.number THEN 2 ELSE 5 END
                FROM jikan_sync.find_base(v_base, v_base || chr(1), v_scan) AS t
                WHERE v_number IS NULL OR v_number = t.number
                UNION ALL
                SELECT t.anime_id, t.title, 'prefix', 4
                FROM jikan_sync.find_base(v_base, v_base || c_last, v_scan) AS t
                WHERE v_number = t.number
                UNION ALL
                SELECT t.anime_id, t.title, 'exact', 3
                FROM jikan_sync.find_word('.' || v_base, '.' || v_base || chr(1), v_scan) AS w (anime_id)
                INNER JOIN jikan.title AS t ON t.anime_id = w.anime_id AND t.position = 1
                WHERE v_name !~ ' ' AND length(v_base) BETWEEN 2 AND 10
                    AND t.number = coalesce(v_number, t.number)
                UNION ALL
                SELECT t.anime_id, t.title, 'prefix', 5
                FROM jikan_sync.find_key(v_key, v_key || c_last, v_scan) AS t
            ) AS x
            INNER JOIN jikan.anime AS a ON a.id = x.anime_id
            CROSS JOIN LATERAL (
                SELECT jikan_sync.popularity_weight(a.members, a.score) / 22 AS popularity
            ) AS p
            WHERE jikan_sync.search_admits(
                a,
                search_ranked.types,
                search_ranked.statuses,
                search_ranked.genres,
                search_ranked.year_from,
                search_ranked.year_to,
                search_ranked.min_score,
                search_ranked.nsfw
            )
        ) AS c
        ORDER BY c.anime_id, c.rank DESC
    ) AS d;

    -- Titles that have all the words, in any order, the last perhaps unfinished.
    v_tokens := (string_to_array(CASE WHEN v_number IS NULL THEN v_words ELSE v_name END, ' '))[1:8];
    IF coalesce(cardinality(v_hits), 0) < max_rows THEN
        v_patterns := ARRAY(
            SELECT '% ' || k.token || '%' FROM unnest(v_tokens) AS k (token) WHERE k.token !~ c_japanese
        );
        v_infixes := ARRAY(
            SELECT '%' || k.token || '%' FROM unnest(v_tokens) AS k (token) WHERE k.token ~ c_japanese
        );
        v_seeds := ARRAY(
            SELECT k.token
            FROM unnest(v_tokens) AS k (token)
            WHERE k.token <> ALL (c_particles) AND length(k.token) > 1
            ORDER BY octet_length(k.token) DESC
            LIMIT 3
        );
        v_scan := CASE WHEN v_filtered THEN 5000 ELSE 300 END;
        FOREACH v_seed IN ARRAY v_seeds LOOP
            v_seed := left(v_seed, CASE WHEN v_seed ~ c_japanese THEN 8 ELSE 24 END);
            v_ids := ARRAY(SELECT jikan_sync.find_word(v_seed, v_seed || c_last, v_scan));
            SELECT array_agg(h) INTO v_more
            FROM (
                SELECT DISTINCT ON (c.anime_id)
                    (c.anime_id, c.title, 'prefix', c.rank)::jikan_sync.search_hit AS h
                FROM (
                    SELECT
                        t.anime_id,
                        t.title,
                        (CASE
                            WHEN v_number IS NULL THEN 0.55
                            WHEN v_number = t.number THEN 0.65
                            ELSE 0.25
                        END + 0.13 * jikan_sync.popularity_weight(a.members, a.score) / 22
                        + 0.05 * least(1, length(v_key)::real / greatest(length(t.key), 1)))::real AS rank
                    FROM unnest(v_ids) AS i (anime_id)
                    INNER JOIN jikan.title AS t ON t.anime_id = i.anime_id
                    INNER JOIN jikan.anime AS a ON a.id = t.anime_id
                    WHERE (' ' || t.words) LIKE ALL (v_patterns)
                        AND t.key LIKE ALL (v_infixes)
                        AND jikan_sync.search_admits(
                            a,
                            search_ranked.types,
                            search_ranked.statuses,
                            search_ranked.genres,
                            search_ranked.year_from,
                            search_ranked.year_to,
                            search_ranked.min_score,
                            search_ranked.nsfw
                        )
                ) AS c
                ORDER BY c.anime_id, c.rank DESC
            ) AS d;
            EXIT WHEN v_more IS NOT NULL OR cardinality(v_ids) < v_scan;
        END LOOP;
        v_hits := v_hits || v_more;
    END IF;

    -- Misspelt words, each replaced by what the vocabulary has a slip away.
    IF coalesce(cardinality(v_hits), 0) = 0 THEN
        v_regexes := '{}';
        v_ids := NULL;
        FOREACH v_token IN ARRAY v_tokens LOOP
            IF length(v_token) < 3 OR v_token = ANY (c_particles) OR v_token ~ c_japanese THEN
                v_regexes := v_regexes || ('(^| )' || v_token);
            ELSE
                v_alternatives := jikan_sync.correct_word(v_token);
                v_regexes := v_regexes || (
                    '(^| )(' || v_token
                    || coalesce('|(' || array_to_string(v_alternatives, '|') || ')( |$)', '') || ')'
                );
                IF v_token = v_seeds[1] THEN
                    v_ids := ARRAY(
                        SELECT DISTINCT w.anime_id
                        FROM unnest(v_alternatives) AS k (token)
                        CROSS JOIN LATERAL jikan_sync.find_word(k.token, k.token || chr(1), 100) AS w (anime_id)
                        UNION
                        SELECT jikan_sync.find_word(v_token, v_token || c_last, 100)
                    );
                END IF;
            END IF;
        END LOOP;
        SELECT array_agg(h) INTO v_more
        FROM (
            SELECT DISTINCT ON (c.anime_id)
                (c.anime_id, c.title, 'fuzzy', c.rank)::jikan_sync.search_hit AS h
            FROM (
                SELECT
                    t.anime_id,
                    t.title,
                    (0.35 + 0.12 * jikan_sync.popularity_weight(a.members, a.score) / 22
                    + 0.08 * jikan_sync.title_similarity(v_words, t.words))::real AS rank
                FROM unnest(v_ids) AS i (anime_id)
                INNER JOIN jikan.title AS t ON t.anime_id = i.anime_id
                INNER JOIN jikan.anime AS a ON a.id = t.anime_id
                WHERE t.words ~ ALL (v_regexes)
                    AND (v_number IS NULL OR v_number = t.number)
                    AND jikan_sync.search_admits(
                        a,
                        search_ranked.types,
                        search_ranked.statuses,
                        search_ranked.genres,
                        search_ranked.year_from,
                        search_ranked.year_to,
                        search_ranked.min_score,
                        search_ranked.nsfw
                    )
            ) AS c
            ORDER BY c.anime_id, c.rank DESC
        ) AS d;
        v_hits := v_hits || v_more;
    END IF;

    RETURN QUERY
    SELECT d.anime_id, d.matched_title, d.match, d.rank, max(d.rank) OVER () >= 0.35
    FROM (
        SELECT DISTINCT ON (h.anime_id) h.*
        FROM unnest(v_hits) AS h
        ORDER BY h.anime_id, h.rank DESC
    ) AS d
    ORDER BY d.rank DESC, d.anime_id
    LIMIT max_rows;
END;
$$;

COMMIT;
