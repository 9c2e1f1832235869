-- Deploy pgjikan:functions/store/index_titles to pg
-- requires: schema/title
-- requires: functions/search/popularity
-- requires: functions/face/plain_text

-- Rebuilds what search reads for some anime, set-based; for new rows and for rows whose titles or
-- tier changed.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.title_words(words text, name text)
RETURNS text[]
LANGUAGE plpgsql
IMMUTABLE
STRICT
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_particles CONSTANT text[] := '{the,no,of,to,wa,ga,ni,wo,o,a,an,and,de,mo,e,in,on}';
    v_words text[] := (string_to_array(words, ' '))[2:];
    v_initials text := '.';
    v_main_initials text := '.';
    v_word text COLLATE "C";
    v_before text COLLATE "C";
    v_here text COLLATE "C";
BEGIN
    IF octet_length(words) = length(words) THEN
        IF name LIKE '% % %' THEN
            FOREACH v_word IN ARRAY string_to_array(name, ' ') LOOP
                v_initials := v_initials || left(v_word, 1);
                IF v_word <> ALL (c_particles) THEN
                    v_main_initials := v_main_initials || left(v_word, 1);
                END IF;
            END LOOP;
            v_words := v_words || left(v_initials, 11);
            IF length(v_main_initials) BETWEEN 4 AND length(v_initials) - 1 THEN
                v_words := v_words || left(v_main_initials, 11);
            END IF;
        END IF;
    ELSIF words ~ '[\u3040-\u30ff\u3400-\u9fff]' THEN
        v_words := (string_to_array(jikan_sync.fold_kana(words), ' '))[2:];
        FOREACH v_word IN ARRAY string_to_array(words, ' ') LOOP
            v_before := left(v_word, 1);
            FOR v_place IN 2 .. least(length(v_word), 40) LOOP
                v_here := substr(v_word, v_place, 1);
                IF v_here >= '㐀'
                    OR v_here BETWEEN 'ァ' AND 'ヺ' AND v_before NOT BETWEEN 'ァ' AND 'ー'
                    OR v_here BETWEEN 'ぁ' AND 'ゟ'
                    AND strpos('のはがをにへとでもや', v_before) > 0
                THEN
                    v_words := v_words || jikan_sync.fold_kana(substr(v_word, v_place, 8));
                END IF;
                v_before := v_here;
            END LOOP;
        END LOOP;
    END IF;
    RETURN v_words;
END;
$$;

COMMENT ON FUNCTION jikan_sync.title_words(text, text) IS
'What a title is found by besides its beginning, of its normalised `words` and its `name` without
number: the words after the first; of Japanese, which writes no spaces, what stands at each kanji,
where katakana begins and behind a particle, all in katakana; and, given a name, ".abc", the initials of three words
and more, with and without particles.';

CREATE FUNCTION jikan_sync.index_titles(anime_ids bigint[])
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    DELETE FROM jikan_sync.title_word AS w
    USING (
        SELECT DISTINCT t.anime_id, t.tier, left(x.word, 24) COLLATE "C" AS word
        FROM jikan.title AS t
        CROSS JOIN LATERAL unnest(
            jikan_sync.title_words(t.words, (jikan_sync.split_season(t.words)).name)
        ) AS x (word)
        WHERE t.anime_id = any(index_titles.anime_ids)
    ) AS old
    WHERE w.tier = old.tier
        AND w.word = old.word
        AND w.anime_id = old.anime_id;

    DELETE FROM jikan.title AS t WHERE t.anime_id = any(index_titles.anime_ids);

    WITH normalised AS MATERIALIZED (
        SELECT
            a.id AS anime_id,
            x.position + w.spelling AS position,
            jikan_sync.popularity_tier(a.members, a.score) AS tier,
            coalesce(x.type, '') AS type,
            p.title,
            w.words
        FROM jikan.anime AS a
        CROSS JOIN LATERAL ROWS FROM (
            jsonb_to_recordset(a.titles) AS (type text, title text)
        ) WITH ORDINALITY AS x (type, title, position)
        CROSS JOIN LATERAL (SELECT anime.plain_text(x.title) AS title) AS p
        CROSS JOIN LATERAL (
            SELECT 0 AS spelling, jikan_sync.normalise_title(p.title) AS words
            UNION ALL
            -- Who types no marks does not type "and" for "&" either, nor "a" for "@".
            SELECT 500, jikan_sync.normalise_title(translate(p.title, '&＆@＠', '    '))
            WHERE p.title ~ '[&＆@＠]'
        ) AS w
        WHERE a.id = any(index_titles.anime_ids)
            AND a.removed_at IS NULL
            AND x.title IS NOT NULL
    ),
    split AS MATERIALIZED (
        SELECT n.*, n.words AS name, NULL::integer AS number
        FROM normalised AS n
        WHERE NOT jikan_sync.may_have_season(n.words)
        UNION ALL
        SELECT n.*, s.name, s.number
        FROM normalised AS n
        CROSS JOIN LATERAL jikan_sync.split_season(n.words) AS s
        WHERE jikan_sync.may_have_season(n.words)
    ),
    entry AS (
        SELECT
            s.anime_id,
            coalesce(
                mode() WITHIN GROUP (ORDER BY s.number) FILTER (WHERE s.type <> 'Synonym'),
                mode() WITHIN GROUP (ORDER BY s.number) FILTER (WHERE s.number > 0),
                mode() WITHIN GROUP (ORDER BY s.number),
                1
            ) AS number,
            array_agg(s.words) FILTER (WHERE s.type <> 'Synonym') AS main
        FROM split AS s
        GROUP BY s.anime_id
    ),
    stored AS (
        INSERT INTO jikan.title (
            anime_id, position, tier, number, type, is_short, title, words, key, base
        )
        SELECT
            s.anime_id,
            s.position,
            s.tier,
            e.number,
            s.type,
            s.type = 'Synonym' AND EXISTS (
                SELECT FROM unnest(e.main) AS m (words)
                WHERE starts_with(m.words, s.words) AND length(m.words) > length(s.words)
            ),
            s.title,
            s.words,
            jikan_sync.fold_title(s.words),
            jikan_sync.fold_title(s.name)
        FROM split AS s
        INNER JOIN entry AS e ON e.anime_id = s.anime_id
        ORDER BY s.anime_id, s.position
    )
    INSERT INTO jikan_sync.title_word (tier, word, anime_id)
    SELECT DISTINCT s.tier, left(x.word, 24) COLLATE "C", s.anime_id
    FROM split AS s
    CROSS JOIN LATERAL unnest(
        -- Nobody abbreviates what few know: under some 4,000 members.
        jikan_sync.title_words(s.words, CASE WHEN s.tier < 6 THEN s.name ELSE '' END)
    ) AS x (word)
    WHERE x.word <> ALL ('{the,no,of,to,wa,ga,ni,wo,o,a,an,and,de,mo,e,in,on,x}'::text[])
    ORDER BY 1, 2, 3;

    -- A tier more of popularity would not change what a misspelt word may have meant.
    INSERT INTO jikan_sync.vocabulary (word, tier)
    SELECT x.word, min(t.tier)
    FROM jikan.title AS t
    CROSS JOIN LATERAL unnest(
        string_to_array(t.words, ' ')
        -- Written as one word, the short titles that people type blindly: "onepeice".
        || CASE WHEN t.tier < 5 AND length(t.key) < 20 THEN t.key END
    ) AS x (word)
    WHERE t.anime_id = any(index_titles.anime_ids)
        AND octet_length(t.words) = length(t.words)
        AND length(x.word) BETWEEN 3 AND 24
        AND x.word !~ '[0-9]'
    GROUP BY x.word
    HAVING NOT EXISTS (
        SELECT FROM jikan_sync.vocabulary AS v
        WHERE v.word = x.word COLLATE "C" AND v.tier <= min(t.tier) + 1
    );
    IF FOUND THEN
        -- Merged here in bulk, three times as fast as word by word; no search need read a queue.
        PERFORM gin_clean_pending_list('jikan_sync.vocabulary_spelling_keys_idx');
        PERFORM gin_clean_pending_list('jikan_sync.vocabulary_word_trigram_idx');
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.index_titles(bigint[]) IS
'Makes anew, for these anime, all that search reads of their titles; nothing for a tombstoned one.';

COMMIT;
