-- Deploy pgjikan:functions/search/suggest to pg
-- requires: functions/search/search_lookup
-- requires: functions/search/highlight
-- requires: functions/search/popularity
-- requires: functions/face/check_arguments

-- What a search box shows under what is being typed: titles only, asked at every key press. So it
-- looks at beginnings alone, of titles and of their words, and corrects nothing. The settings pin
-- the plans, as in jikan_sync.search_ranked.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION anime.suggest(
    prefix text,
    max_rows integer DEFAULT 8,
    nsfw boolean DEFAULT FALSE
)
RETURNS TABLE (mal_id integer, title text, highlight integer[])
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
ROWS 8
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
    c_main CONSTANT text[] := '{Default,English,Japanese}'::text[];
    c_last CONSTANT text := U&'\+10FFFF';
    v_words CONSTANT text := jikan_sync.normalise_query(prefix);
    v_key CONSTANT text := jikan_sync.fold_title(v_words);
    v_is_japanese CONSTANT boolean := v_words ~ '[\u3040-\u30ff\u3400-\u9fff]';
    v_rows CONSTANT integer := 16 + 2 * least(max_rows, 100);
    v_is_single CONSTANT boolean := strpos(v_words, ' ') = 0;
    v_word text := '';
    v_token text;
    v_longest text;
BEGIN
    -- No PERFORM: that would set up a plan.
    IF NOT jikan_sync.check_max_rows(max_rows) OR coalesce(v_key, '') = '' THEN
        RETURN;
    END IF;
    -- A letter or two begin too many words, and enough titles.
    IF octet_length(v_key) > 2 THEN
        v_word := v_words;
        IF NOT v_is_single THEN
            FOREACH v_token IN ARRAY string_to_array(v_words, ' ') LOOP
                IF length(v_token) > coalesce(length(v_longest), 0) THEN
                    v_longest := v_token;
                END IF;
            END LOOP;
            v_word := v_longest;
        END IF;
        v_word := left(jikan_sync.fold_kana(v_word), CASE WHEN v_is_japanese THEN 8 ELSE 24 END);
    END IF;
    RETURN QUERY
    SELECT a.mal_id, b.title, jikan_sync.highlight(v_words, b.title, b.match)
    FROM (
        SELECT DISTINCT ON (f.anime_id) f.*
        FROM (
            SELECT
                k.anime_id,
                k.title,
                k.key,
                array_position(c_main, k.type) AS kind,
                CASE WHEN k.key = v_key THEN 'exact' ELSE 'prefix' END AS match,
                -- A title that is none of the main ones may be anything: it proves little.
                CASE
                    WHEN k.type <> ALL (c_main)
                        THEN CASE WHEN k.key = v_key THEN float8 '0.1' ELSE float8 '-0.1' END
                    WHEN k.key = v_key THEN float8 '1.1'
                    ELSE float8 '0'
                END AS lead
            FROM (
                SELECT g.* FROM jikan_sync.find_key(v_key, v_key || c_last, v_rows) AS g
                UNION ALL
                -- Where many begin so, the popular may leave no room for what is exactly so.
                SELECT e.* FROM jikan_sync.find_key(v_key, v_key || chr(1), max_rows) AS e
            ) AS k
            UNION ALL
            SELECT
                t.anime_id,
                t.title,
                t.key,
                array_position(c_main, t.type),
                'prefix',
                float8 '-0.35'
            FROM jikan_sync.find_word(
                v_word,
                v_word || c_last,
                CASE WHEN v_is_single THEN 4 + max_rows ELSE v_rows END
            ) AS w
            INNER JOIN jikan.title AS t ON t.anime_id = w.anime_id
            WHERE v_word <> '' AND CASE
                -- The key has its kana folded, which for each title anew took half of the time.
                WHEN v_is_japanese THEN strpos(t.key, v_key) > 0
                ELSE strpos(' ' || t.words, ' ' || v_words) > 0
            END
        ) AS f
        ORDER BY f.anime_id, f.lead DESC, f.kind, f.key
    ) AS b
    INNER JOIN jikan_sync.findable AS a ON a.id = b.anime_id
    WHERE (suggest.nsfw OR NOT a.is_nsfw) AND a.is_approved
    ORDER BY a.popularity_share + b.lead DESC, a.mal_id
    LIMIT max_rows;
END;
$$;

COMMENT ON FUNCTION anime.suggest(text, integer, boolean) IS
'Titles for a search box: of each anime that has a title, or in one a word, beginning with `prefix`
the one that fits best; whole titles first, then the popular. `highlight` as in
`anime.search_result`. Corrects no spelling, writes nothing, asks nobody; adult anime only if
`nsfw`; at most `max_rows` (1 to 100). Raises: 22023 (`max_rows` out of range).';

GRANT EXECUTE ON FUNCTION anime.suggest(text, integer, boolean) TO anime_reader;

COMMIT;
