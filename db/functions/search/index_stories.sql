-- Deploy pgjikan:functions/search/index_stories to pg
-- requires: schema/story
-- requires: schema/embedding
-- requires: functions/search/story_words

-- Stories are indexed when a title gets its vector, behind whoever stored it: taking a synopsis
-- apart costs as much as a third of storing a title, and nobody waits for it.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.word_weight(uses integer, length bigint)
RETURNS real
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    -- BM25 with k1 = 0.6 and b = 0.3, measured by bench/semantic.py; a synopsis has 31 words that
    -- say something, on average.
    SELECT
        (
            word_weight.uses * 1.6
            / (word_weight.uses + 0.6 * (0.7 + 0.3 * word_weight.length / 31.0))
        )::real;
END;

COMMENT ON FUNCTION jikan_sync.word_weight(integer, bigint) IS
'What a word that is used so often says about a text of `length` words, 0 to 1.6.';

CREATE FUNCTION jikan_sync.index_stories(anime_ids bigint[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_changed bigint[] := ARRAY(
        SELECT a.id
        FROM jikan.anime AS a
        LEFT JOIN jikan_sync.story AS s ON s.anime_id = a.id
        WHERE a.id = ANY (anime_ids)
            AND s.synopsis_hash IS DISTINCT FROM md5(coalesce(a.synopsis, ''))::uuid
        ORDER BY a.id
    );
BEGIN
    IF v_changed = '{}' THEN
        RETURN;
    END IF;
    DELETE FROM jikan_sync.story AS s WHERE s.anime_id = ANY (v_changed);
    WITH told AS (
        INSERT INTO jikan_sync.story AS s (anime_id, synopsis_hash)
        SELECT a.id, md5(coalesce(a.synopsis, ''))::uuid
        FROM jikan.anime AS a
        WHERE a.id = ANY (v_changed)
        ORDER BY a.id
        ON CONFLICT (anime_id) DO NOTHING
        RETURNING s.anime_id
    ),

    word AS MATERIALIZED (
        SELECT
            t.anime_id,
            w.word,
            w.lexeme,
            w.uses,
            sum(w.uses) OVER (PARTITION BY t.anime_id) AS length
        FROM told AS t
        INNER JOIN jikan.anime AS a ON a.id = t.anime_id
        CROSS JOIN LATERAL jikan_sync.story_words(
            -- Who wrote it is not what happens.
            regexp_replace(a.synopsis, '\[Written by MAL Rewrite\]|\(Source:[^)]*\)', '', 'g')
        ) AS w
        WHERE length(w.lexeme) BETWEEN 2 AND 50
    ),

    heard AS (
        INSERT INTO jikan_sync.story_vocabulary AS v (lexeme, word, anime_count)
        SELECT w.lexeme, min(w.word), least(count(DISTINCT w.anime_id), 3)
        FROM word AS w
        WHERE w.word ~ '^[a-z]{3,}$'
        GROUP BY w.lexeme
        ORDER BY w.lexeme COLLATE "C"
        ON CONFLICT (lexeme) DO UPDATE
            SET anime_count = least(v.anime_count + excluded.anime_count, 3)
            WHERE v.anime_count < 3
    )

    INSERT INTO jikan_sync.story_word (anime_id, lexeme, weight)
    SELECT w.anime_id, w.lexeme, jikan_sync.word_weight(sum(w.uses)::integer, min(w.length))
    FROM word AS w
    GROUP BY w.anime_id, w.lexeme
    ORDER BY w.anime_id;
END;
$$;

COMMENT ON FUNCTION jikan_sync.index_stories(bigint[]) IS
'Indexes the synopses of these anime by their words, as far as they changed.';

CREATE FUNCTION jikan_sync.tg_index_stories()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM jikan_sync.index_stories(array_agg(n.anime_id)) FROM new_row AS n;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_index_stories() IS
'Indexes the stories of anime that got a vector.';

CREATE TRIGGER index_stories_of_new
AFTER INSERT ON jikan.embedding
REFERENCING NEW TABLE AS new_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_index_stories();

CREATE TRIGGER index_stories_of_changed
AFTER UPDATE ON jikan.embedding
REFERENCING NEW TABLE AS new_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_index_stories();

COMMIT;
