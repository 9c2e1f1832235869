-- Deploy pgjikan:functions/search/learn_words to pg
-- requires: schema/story
-- requires: functions/search/story_words
-- requires: functions/embeddings/active_model_id
-- requires: functions/embeddings/unit_vector
-- requires: functions/recommend/trait_vector
-- requires: schema/embedding_provider

-- A dictionary without a dictionary: a model that knows many languages puts a word and its
-- translation in one place. It is asked for the words of synopses once, then for each word of a
-- foreign query, whose nearest words of synopses are its reading. No queue: what is lost is asked
-- for again, and asking twice harms nobody.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TYPE jikan_sync.claimed_word AS (
    model_id integer,
    provider text,
    model text,
    dimensions integer,
    word text,
    lexeme text
);

COMMENT ON TYPE jikan_sync.claimed_word IS
'A word to embed, and by which model; `lexeme` is NULL where it is a word of a query.';

CREATE FUNCTION jikan_sync.claim_words(max_words integer DEFAULT 200)
RETURNS SETOF jikan_sync.claimed_word
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_model jikan.embedding_model;
BEGIN
    SELECT m.* INTO v_model
    FROM jikan.embedding_model AS m
    INNER JOIN jikan_sync.embedding_provider AS p ON p.name = m.provider
    WHERE m.status = 'active'
        AND p.reads_words
        AND (p.blocked_until IS NULL OR p.blocked_until <= jikan_sync.clock_now());
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT v_model.id, v_model.provider, v_model.name, v_model.dimensions, w.word, w.lexeme
    FROM (
        SELECT v.word, v.lexeme, 1 AS place
        FROM jikan_sync.story_vocabulary AS v
        WHERE v.anime_count = 3
            AND NOT EXISTS (
                SELECT FROM jikan_sync.story_vector AS e
                WHERE e.model_id = v_model.id AND e.lexeme = v.lexeme
            )
        UNION ALL
        SELECT f.word, NULL, 2
        FROM jikan_sync.foreign_word AS f
        WHERE f.model_id = v_model.id
            AND f.lexemes IS NULL
    ) AS w
    ORDER BY w.place, w.word
    LIMIT max_words;
END;
$$;

COMMENT ON FUNCTION jikan_sync.claim_words(integer) IS
'Words that the active model has not been asked for yet: first those of synopses, among which the
others are then looked up. None where its provider `reads_words` not.';

GRANT EXECUTE ON FUNCTION jikan_sync.claim_words(integer) TO jikan_sidecar;

CREATE FUNCTION jikan_sync.request_words(model_id integer, query text)
RETURNS void
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    INSERT INTO jikan_sync.foreign_word (model_id, word, asked_at)
    SELECT
        request_words.model_id,
        w.word,
        jikan_sync.clock_now()
    FROM jikan_sync.foreign_words(request_words.query) AS w
    WHERE
        length(w.word) <= 50
        AND EXISTS (
            SELECT 1
            FROM jikan.embedding_model AS m
            INNER JOIN jikan_sync.embedding_provider AS p ON m.provider = p.name
            WHERE
                m.id = request_words.model_id
                AND p.reads_words
        )
    ORDER BY w.word
    ON CONFLICT (model_id, word) DO NOTHING;
END;

COMMENT ON FUNCTION jikan_sync.request_words(integer, text) IS
'Notes the foreign words of a query, to be read by a model that does.';

CREATE FUNCTION jikan_sync.store_words(
    model_id integer,
    words text[],
    lexemes text[],
    embeddings text[]
)
RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Two readings do better than one or four, and below 0.5 they are chance (bench/semantic.py).
    c_readings CONSTANT integer := 2;
    c_nearest CONSTANT real := 0.5;
    c_news CONSTANT integer := 50;
    v_dimensions integer;
    v_count integer;
BEGIN
    IF cardinality(words) IS DISTINCT FROM cardinality(lexemes)
        OR cardinality(words) IS DISTINCT FROM cardinality(embeddings)
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the arrays of store_words must be of one length',
            HINT = 'One vector a word, as jikan_sync.claim_words gave them.';
    END IF;
    SELECT m.dimensions INTO v_dimensions
    FROM jikan.embedding_model AS m
    WHERE m.id = store_words.model_id
    FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;

    INSERT INTO jikan_sync.story_vector AS e (model_id, lexeme, embedding)
    SELECT store_words.model_id, g.lexeme, v.vector
    FROM unnest(store_words.lexemes, store_words.embeddings) AS g (lexeme, embedding)
    CROSS JOIN LATERAL jikan_sync.read_unit_vector(g.embedding, v_dimensions) AS v (vector)
    WHERE g.lexeme IS NOT NULL
        AND v.vector IS NOT NULL
    ORDER BY g.lexeme
    ON CONFLICT ON CONSTRAINT story_vector_pkey DO NOTHING;
    GET DIAGNOSTICS v_count = ROW_COUNT;

    IF v_count >= c_news THEN
        -- Readings were made among fewer words; a few new ones change little.
        UPDATE jikan_sync.foreign_word AS f
        SET
            lexemes = NULL,
            gains = NULL
        WHERE f.model_id = store_words.model_id
            AND f.lexemes IS NOT NULL;
    END IF;

    UPDATE jikan_sync.foreign_word AS f
    SET
        lexemes = r.lexemes,
        gains = r.gains
    FROM
        unnest(
            store_words.words, store_words.lexemes, store_words.embeddings
        ) AS g (word, lexeme, embedding)
    CROSS JOIN LATERAL jikan_sync.read_unit_vector(g.embedding, v_dimensions) AS v (vector)
    CROSS JOIN LATERAL (
        SELECT
            coalesce(array_agg(n.lexeme ORDER BY n.nearness DESC), '{}') AS lexemes,
            coalesce(array_agg(n.nearness ORDER BY n.nearness DESC), '{}') AS gains
        FROM (
            SELECT
                e.lexeme,
                jikan_sync.vector_product(e.embedding, v.vector)::real AS nearness
            FROM jikan_sync.story_vector AS e
            WHERE e.model_id = store_words.model_id
            ORDER BY nearness DESC
            LIMIT c_readings
        ) AS n
        WHERE n.nearness >= c_nearest
    ) AS r
    WHERE f.model_id = store_words.model_id
        AND f.word = g.word
        AND g.lexeme IS NULL;

    DELETE FROM jikan_sync.foreign_word AS f
    WHERE f.model_id = store_words.model_id
        AND f.word IN (
            SELECT o.word
            FROM jikan_sync.foreign_word AS o
            WHERE o.model_id = store_words.model_id
            ORDER BY o.asked_at DESC
            OFFSET jikan_sync.setting_number('foreign_word_limit')
        );
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.store_words(integer, text[], text[], text[]) IS
'Stores vectors of claimed words: those of synopses as they are, those of queries as the words of
synopses that are nearest; how many of synopses were new.
Raises: 22023 (arrays of different lengths).';

GRANT EXECUTE ON FUNCTION jikan_sync.store_words(integer, text[], text[], text[])
TO jikan_sidecar;

COMMIT;
