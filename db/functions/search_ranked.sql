-- Deploy pgjikan:functions/search_ranked to pg
-- requires: functions/search_lookup
-- requires: functions/index_titles
-- requires: functions/normalise_query

-- The search engine. Stages from sure to vague, each with a band of rank, popularity inside the band; a
-- stage runs only while the answer has room, the vague ones only while there is no answer. Every stage
-- reads at most a fixed number of rows, the most popular first, so that no query is slow and none
-- gets slower as the catalogue grows. The settings pin the plans: index lookups in nested loops.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TYPE jikan_sync.search_hit AS (
    anime_id bigint,
    matched_title text,
    match text,
    rank real
);

COMMENT ON TYPE jikan_sync.search_hit IS
'An anime that a stage of `jikan_sync.search_ranked` found: by which title, how, and how well.';

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
    v_genres text[] := lower(genres::text)::text[];
    v_words text COLLATE "C" := jikan_sync.normalise_query(query);
    v_key text COLLATE "C" := jikan_sync.fold_title(v_words);
    v_squashed text COLLATE "C" := replace(v_words, ' ', '');
    v_name text COLLATE "C";
    v_number integer;
    v_base text COLLATE "C";
    v_initials text COLLATE "C";
    v_tokens text[];
    v_token text;
    v_pattern text;
    v_patterns text[] := '{}';
    v_regexes text[] := '{}';
    v_seed text := '';
    v_seed_2 text := '';
    v_alternatives text[];
    v_ids bigint[];
    v_hits jikan_sync.search_hit[];
    v_more jikan_sync.search_hit[];
    v_scan integer;
    v_room integer;
BEGIN
    IF coalesce(v_words, '') = '' THEN
        RETURN;
    END IF;
    SELECT s.name, s.number INTO v_name, v_number FROM jikan_sync.split_season(v_words) AS s;
    v_base := jikan_sync.fold_title(v_name);
    IF strpos(v_name, ' ') = 0 AND length(v_name) BETWEEN 2 AND 10 THEN
        v_initials := '.' || v_name;
    END IF;
    -- Under a filter most rows read may not pass it, so more are read.
    IF coalesce(types, statuses, genres) IS NULL AND coalesce(year_from, year_to, min_score) IS NULL THEN
        v_room := 40 + 4 * max_rows;
        v_scan := 300;
    ELSE
        v_room := 5000;
        v_scan := 5000;
    END IF;

    -- Whole titles, initials, beginnings of titles.
    SELECT
        array_agg(
            (
                a.id,
                c.title,
                CASE WHEN c.band < 4 THEN 'exact' ELSE 'prefix' END,
                CASE c.band
                    WHEN 1 THEN 0.95 + 0.05 * p.popularity
                    WHEN 2 THEN 0.90 + 0.05 * p.popularity
                    WHEN 3 THEN 0.72 + 0.20 * p.popularity
                    WHEN 4 THEN 0.72 + 0.20 * p.popularity
                    ELSE 0.62 + 0.28 * p.popularity
                END
                - CASE
                    WHEN v_number IS NULL THEN 0.03 * least(abs(c.number) - 1, 1)
                    WHEN v_number <> c.number THEN 0.10
                    ELSE 0
                END
            )::jikan_sync.search_hit
        )
    INTO v_hits
    FROM (
        SELECT DISTINCT ON (x.anime_id) x.*
        FROM (
            SELECT
                t.anime_id,
                t.title,
                t.number,
                CASE
                    WHEN t.is_short THEN 5
                    WHEN replace(t.words, ' ', '') = v_squashed THEN 1
                    ELSE 2
                END AS band
            FROM jikan_sync.find_key(v_key, v_key || chr(1), v_room) AS t
            UNION ALL
            SELECT t.anime_id, t.title, t.number, CASE WHEN t.base = v_base AND NOT t.is_short THEN 2 ELSE 4 END
            FROM jikan_sync.find_key(v_base, v_base || c_last, v_scan) AS t
            WHERE v_number IS NOT NULL AND abs(v_number) = abs(t.number)
            UNION ALL
            SELECT t.anime_id, t.title, t.number, 3
            FROM jikan_sync.find_word(v_initials, v_initials || chr(1), v_room) AS w
            INNER JOIN jikan.title AS t ON t.anime_id = w.anime_id
            WHERE v_initials IS NOT NULL
                AND t.position = 1
                AND (v_number IS NULL OR abs(v_number) = abs(t.number))
            UNION ALL
            SELECT t.anime_id, t.title, t.number, 5
            FROM jikan_sync.find_key(v_key, v_key || c_last, v_room) AS t
        ) AS x
        ORDER BY x.anime_id, x.band
    ) AS c
    INNER JOIN jikan.anime AS a ON a.id = c.anime_id
    CROSS JOIN LATERAL (
        SELECT (jikan_sync.popularity_weight(a.members, a.score) - 8) / 13 AS popularity
    ) AS p
    WHERE jikan_sync.search_admits(
        a,
        search_ranked.types,
        search_ranked.statuses,
        v_genres,
        search_ranked.year_from,
        search_ranked.year_to,
        search_ranked.min_score,
        search_ranked.nsfw
    );

    -- Titles that have all the words, in any order, the last perhaps unfinished.
    v_tokens := (string_to_array(CASE WHEN v_number IS NULL THEN v_words ELSE v_name END, ' '))[1:8];
    FOREACH v_token IN ARRAY v_tokens LOOP
        CONTINUE WHEN v_token IN ('the', 'a', 'an') AND cardinality(v_tokens) > 1;
        v_patterns := v_patterns
            || CASE WHEN v_token ~ c_japanese THEN '%' || v_token || '%' ELSE '% ' || v_token || '%' END;
        CONTINUE WHEN v_token = ANY (c_particles) OR length(v_token) < 2;
        IF octet_length(v_token) > octet_length(v_seed) THEN
            v_seed_2 := v_seed;
            v_seed := v_token;
        ELSIF octet_length(v_token) > octet_length(v_seed_2) THEN
            v_seed_2 := v_token;
        END IF;
    END LOOP;
    IF coalesce(cardinality(v_hits), 0) < max_rows THEN
        FOREACH v_token IN ARRAY ARRAY[v_seed, v_seed_2] LOOP
            EXIT WHEN v_token = '';
            v_pattern := left(v_token, CASE WHEN v_token ~ c_japanese THEN 8 ELSE 24 END);
            v_ids := ARRAY(
                SELECT w.anime_id FROM jikan_sync.find_anime(v_pattern, v_scan) AS w
            );
            SELECT array_agg(c.hit)
            INTO v_more
            FROM (
                SELECT
                    (
                        t.anime_id,
                        t.title,
                        'prefix',
                        CASE
                            WHEN v_number IS NULL THEN 0.52 - 0.03 * least(abs(t.number) - 1, 1)
                            WHEN v_number = t.number THEN 0.62
                            WHEN abs(v_number) = abs(t.number) THEN 0.55
                            ELSE 0.10
                        END
                        + CASE
                            WHEN v_number IS NULL OR abs(v_number) = abs(t.number) THEN 0.28
                            ELSE 0.10
                        END * (jikan_sync.popularity_weight(a.members, a.score) - 8) / 13
                        + 0.05 * least(1, length(v_key)::real / length(t.key))
                    )::jikan_sync.search_hit AS hit
                FROM (
                    SELECT t.*
                    FROM unnest(v_ids) AS i (anime_id)
                    INNER JOIN jikan.title AS t ON t.anime_id = i.anime_id
                    WHERE (' ' || t.words || ' ' || t.key) LIKE ALL (v_patterns)
                    OFFSET 0
                ) AS t
                INNER JOIN jikan.anime AS a ON a.id = t.anime_id
                WHERE jikan_sync.search_admits(
                        a,
                        search_ranked.types,
                        search_ranked.statuses,
                        v_genres,
                        search_ranked.year_from,
                        search_ranked.year_to,
                        search_ranked.min_score,
                        search_ranked.nsfw
                    )
                LIMIT v_room
            ) AS c;
            EXIT WHEN v_more IS NOT NULL OR cardinality(v_ids) < v_scan;
        END LOOP;
        v_hits := v_hits || v_more;
    END IF;

    -- Misspelt words, each replaced by what the vocabulary has a slip away.
    IF v_hits IS NULL AND v_seed <> '' THEN
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
                IF v_token = v_seed THEN
                    v_ids := ARRAY(
                        SELECT DISTINCT w.anime_id
                        FROM unnest(v_token || v_alternatives) AS k (word)
                        CROSS JOIN LATERAL jikan_sync.find_anime(k.word, 60) AS w
                    );
                END IF;
            END IF;
        END LOOP;
        SELECT array_agg(c.hit)
        INTO v_hits
        FROM (
            SELECT
                (
                    a.id,
                    t.title,
                    'fuzzy',
                    0.20 + 0.12 * (jikan_sync.popularity_weight(a.members, a.score) - 8) / 13
                    + 0.20 * jikan_sync.title_similarity(v_words, t.words)
                    + 0.03 * least(1, length(v_key)::real / length(t.key))
                    - CASE WHEN v_number IS NULL THEN 0.03 * least(abs(t.number) - 1, 1) ELSE 0 END
                )::jikan_sync.search_hit AS hit
            FROM (
                SELECT t.*
                FROM unnest(v_ids) AS i (anime_id)
                INNER JOIN jikan.title AS t ON t.anime_id = i.anime_id
                WHERE t.words ~ ALL (v_regexes)
                    AND (v_number IS NULL OR v_number = t.number)
                OFFSET 0
            ) AS t
            INNER JOIN jikan.anime AS a ON a.id = t.anime_id
            WHERE jikan_sync.search_admits(
                    a,
                    search_ranked.types,
                    search_ranked.statuses,
                    v_genres,
                    search_ranked.year_from,
                    search_ranked.year_to,
                    search_ranked.min_score,
                    search_ranked.nsfw
                )
        ) AS c;
    END IF;

    RETURN QUERY
    SELECT d.anime_id, d.matched_title, d.match, d.rank, max(d.rank) OVER () >= 0.30
    FROM (
        SELECT DISTINCT ON (h.anime_id) h.*
        FROM unnest(v_hits) AS h
        ORDER BY h.anime_id, h.rank DESC
    ) AS d
    ORDER BY d.rank DESC, d.anime_id
    LIMIT max_rows;
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_ranked(
    text, integer, text[], text[], text[], integer, integer, numeric, boolean
) IS
'The anime whose titles fit `query`, best first. `match`: exact, prefix or fuzzy; `rank`: 0 to 1 in
bands, sure matches above vague ones; `is_confident`: whether the best is good enough that nobody
need look upstream, the same in every row.';

COMMIT;
