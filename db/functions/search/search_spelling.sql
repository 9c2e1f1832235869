-- Deploy pgjikan:functions/search/search_spelling to pg
-- requires: functions/search/search_titles
-- requires: functions/search/correct_words

-- The third stage, for queries that nothing answers: each word may stand for the words of the
-- vocabulary a slip away, and a word that no title has also for those that look like it.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.find_reading(
    token text,
    readings text[],
    OUT anime_ids bigint[],
    OUT is_whole boolean
)
RETURNS record
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_most CONSTANT integer := 100;
BEGIN
    anime_ids := ARRAY(SELECT t.anime_id FROM jikan_sync.find_anime(token, c_most) AS t);
    -- Of a word that more have than are read here, it is not known who does not have it.
    is_whole := cardinality(anime_ids) < c_most;
    IF readings IS NULL THEN
        RETURN;
    END IF;
    SELECT
        coalesce(array_agg(DISTINCT f.anime_id), '{}'),
        is_whole AND count(*) - cardinality(anime_ids) < 2 * c_most
    INTO anime_ids, is_whole
    FROM (
        SELECT i.anime_id FROM unnest(anime_ids) AS i (anime_id)
        UNION ALL
        -- Fewer are read of what was not typed.
        SELECT r.anime_id
        FROM unnest(readings) AS k (word)
        CROSS JOIN LATERAL (
            SELECT w.anime_id
            FROM jikan_sync.find_word(k.word, k.word || chr(1), c_most / 4) AS w
            UNION ALL
            SELECT t.anime_id
            FROM jikan_sync.find_key(
                jikan_sync.fold_title(k.word),
                jikan_sync.fold_title(k.word) || U&'\+10FFFF',
                c_most / 2
            ) AS t
        ) AS r
    ) AS f;
END;
$$;

COMMENT ON FUNCTION jikan_sync.find_reading(text, text[]) IS
'The most popular anime with a title that has a word of a query or one of its readings, and whether
they are all that have the word, and most that have a reading.';

CREATE FUNCTION jikan_sync.search_spelling(
    q jikan_sync.search_query,
    readings text[],
    slack integer
)
RETURNS jikan_sync.search_hit[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- A variable of its own: of one inside q every field costs a look into the whole.
    v_filter CONSTANT jikan_sync.face_filter := q.filter;
    c_loose CONSTANT text[] := '{the,a,an,wo,o,he,e,ha,wa}'::text[];
    -- What is never a confident answer: the best of 0.55 stays under 0.36.
    c_unsure CONSTANT double precision := float8 '0.65';
    v_token text;
    v_pattern text;
    v_words text[];
    v_strange text;
    v_is_new boolean := false;
    v_readings text[] := readings;
    v_found record;
    v_is_whole boolean;
    v_ids bigint[];
    v_titles jikan.title[];
    v_share double precision := 1;
    v_hits jikan_sync.search_hit[];
BEGIN
    FOR v_place IN 1 .. CASE slack WHEN 0 THEN 0 ELSE cardinality(q.tokens) END LOOP
        v_token := q.tokens[v_place];
        CONTINUE WHEN length(v_token) < 3 OR v_token ~ '[^a-z]';
        IF jikan_sync.is_word(v_token) THEN
            -- With a word missing, the others are taken as they are.
            v_readings[v_place] := CASE slack WHEN 1 THEN v_readings[v_place] ELSE '' END;
        ELSIF slack = 1 THEN
            CONTINUE WHEN length(v_token) < 5;
            v_words := jikan_sync.resemble_word(v_token);
            v_is_new := v_is_new OR v_words IS NOT NULL;
            v_readings[v_place] := concat_ws(
                ' ', array_to_string(v_words, ' '), nullif(v_readings[v_place], '')
            );
        ELSIF length(v_token) > coalesce(length(v_strange), 3) THEN
            v_strange := v_token;
        END IF;
    END LOOP;
    IF slack = 1 AND NOT v_is_new OR slack = 2 AND v_strange IS NULL THEN
        RETURN NULL;
    END IF;
    IF slack = 2 OR slack = 1 AND q.seed_2 = '' THEN
        -- A single word that merely looks like another is no answer to stop at: "inception",
        -- Conception.
        v_share := c_unsure;
    END IF;

    -- All words must be there, so the one that fewest anime have is gone by.
    FOREACH v_token IN ARRAY ARRAY(
        SELECT t.token
        FROM unnest(q.tokens) AS t (token)
        WHERE length(t.token) > 2 AND t.token <> ALL (c_loose) AND t.token IS DISTINCT FROM v_strange
        ORDER BY length(t.token) DESC
    ) LOOP
        v_found := jikan_sync.find_reading(
            v_token,
            (string_to_array(v_readings[array_position(q.tokens, v_token)], ' '))[1:6 + 2 * slack]
        );
        IF v_ids IS NULL
            OR v_found.is_whole AND NOT v_is_whole
            OR v_found.is_whole = v_is_whole
            AND cardinality(v_found.anime_ids) < cardinality(v_ids)
        THEN
            v_ids := v_found.anime_ids;
            v_is_whole := v_found.is_whole;
        END IF;
        EXIT WHEN v_is_whole AND cardinality(v_ids) <= 150;
    END LOOP;
    IF slack = 2 AND NOT v_is_whole THEN
        RETURN NULL;
    END IF;

    FOR v_place IN 1 .. cardinality(v_readings) LOOP
        EXIT WHEN v_titles = '{}';
        CONTINUE WHEN cardinality(q.tokens) > 1 AND q.tokens[v_place] = ANY (c_loose);
        CONTINUE WHEN q.tokens[v_place] = v_strange;
        v_words := string_to_array(v_readings[v_place], ' ');
        v_pattern := '% ' || q.tokens[v_place] || '%';
        IF v_titles IS NULL THEN
            v_titles := ARRAY(
                SELECT t
                FROM unnest(v_ids) AS c (anime_id)
                INNER JOIN jikan.title AS t ON t.anime_id = c.anime_id
                WHERE (q.number IS NULL OR abs(q.number) = abs(t.number))
                    AND (
                        (' ' || t.words) LIKE v_pattern
                        OR t.type <> 'Japanese'
                        AND string_to_array(t.words, ' ') || t.key && v_words
                    )
                ORDER BY t.tier, length(t.words)
                LIMIT 1000
            );
        ELSE
            v_titles := ARRAY(
                SELECT t
                FROM unnest(v_titles) AS t
                WHERE (' ' || t.words) LIKE v_pattern
                    OR string_to_array(t.words, ' ') || t.key && v_words
            );
        END IF;
    END LOOP;
    IF v_strange IS NOT NULL AND v_titles <> '{}' THEN
        v_titles := ARRAY(
            SELECT t
            FROM unnest(v_titles) AS t
            WHERE jikan_sync.word_alikeness(v_strange, t.words) >= 0.1
            ORDER BY jikan_sync.word_alikeness(v_strange, t.words) DESC
            LIMIT 50
        );
    END IF;

    SELECT
        array_agg(
            (
                t.anime_id,
                t.title,
                'fuzzy',
                v_share * (
                    0.10
                    + 0.12 * a.popularity_share
                    + 0.30 * greatest(
                        jikan_sync.title_similarity(q.name, t.words),
                        -- Only a single word may be several of a title.
                        CASE
                            WHEN q.base = q.name AND t.words <> t.key
                                THEN jikan_sync.title_similarity(q.key, t.key)
                        END
                    )
                    + 0.03 * least(1, length(q.key)::real / length(t.key))
                    - CASE
                        WHEN q.number IS NULL THEN float8 '0.03' * least(abs(t.number) - 1, 1)
                        ELSE 0
                    END
                )
            )::jikan_sync.search_hit
        )
    INTO v_hits
    FROM unnest(v_titles[1:40]) AS t
    INNER JOIN jikan_sync.findable AS a ON a.id = t.anime_id
    WHERE jikan_sync.admits(v_filter, a);
    RETURN v_hits;
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_spelling(jikan_sync.search_query, text[], integer) IS
'Anime with a title that has all words of the query, some of them a slip away (rank 0.1 to 0.55), as
`readings`, made by `jikan_sync.correct_words`, say; with `slack` 1 some of them merely alike (a single word: 0.35 at most), with 2 all but one that is no
word at all (0.35 at most). NULL: none.';

COMMIT;
