-- Deploy pgjikan:functions/embeddings/store_embeddings to pg
-- requires: functions/embeddings/claim_embeddings
-- requires: functions/embeddings/fail_embeddings
-- requires: functions/embeddings/unit_vector
-- requires: functions/search/learn_words

-- The right vector beside the right text: an answer is written only where the anime's text still
-- has the hash that was claimed, however late it comes and whoever holds the lease by then. It was
-- paid for, so a lost lease alone does not throw it away; but only the lease's holder may finish
-- the task.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.write_embeddings(
    model_id integer,
    anime_ids bigint[],
    input_hashes uuid[],
    embeddings text[]
)
RETURNS SETOF bigint
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    WITH current_text AS MATERIALIZED (
        SELECT
            a.id,
            a.embedding_hash
        FROM jikan.anime AS a
        WHERE a.id = any(write_embeddings.anime_ids)
        ORDER BY a.id
        FOR NO KEY UPDATE
    )

    INSERT INTO jikan.embedding (model_id, anime_id, input_hash, embedding, embedded_at)
    SELECT DISTINCT ON (c.id)
        m.id AS model_id,
        c.id AS anime_id,
        g.input_hash,
        jikan_sync.read_unit_vector(g.embedding, m.dimensions),
        jikan_sync.clock_now()
    FROM
        unnest(
            write_embeddings.anime_ids,
            write_embeddings.input_hashes,
            write_embeddings.embeddings
        ) AS g (anime_id, input_hash, embedding)
    INNER JOIN current_text AS c
        ON
            c.id = g.anime_id
            AND c.embedding_hash = g.input_hash
    INNER JOIN jikan.embedding_model AS m ON m.id = write_embeddings.model_id
    WHERE jikan_sync.read_unit_vector(g.embedding, m.dimensions) IS NOT NULL
    ON CONFLICT (model_id, anime_id) DO UPDATE
        SET
            input_hash = excluded.input_hash,
            embedding = excluded.embedding,
            embedded_at = excluded.embedded_at
    RETURNING embedding.anime_id;
END;

COMMENT ON FUNCTION jikan_sync.write_embeddings(integer, bigint[], uuid[], text[]) IS
'Writes usable vectors whose text is still the anime''s; answers the anime written.';

CREATE FUNCTION jikan_sync.write_query_vectors(
    model_id integer,
    task_ids bigint[],
    embeddings text[]
)
RETURNS void
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    INSERT INTO jikan_sync.query_vector (model_id, query_key, embedding, embedded_at, used_at)
    SELECT DISTINCT ON (q.payload ->> 'query_key')
        m.id,
        q.payload ->> 'query_key',
        jikan_sync.read_unit_vector(g.embedding, m.dimensions),
        jikan_sync.clock_now(),
        jikan_sync.clock_now()
    FROM
        unnest(
            write_query_vectors.task_ids,
            write_query_vectors.embeddings
        ) AS g (task_id, embedding)
    INNER JOIN jikan_sync.queue AS q ON q.id = g.task_id
    INNER JOIN jikan.embedding_model AS m ON m.id = write_query_vectors.model_id
    WHERE
        q.task = 'embed_query'
        AND jikan_sync.read_unit_vector(g.embedding, m.dimensions) IS NOT NULL
    ON CONFLICT (model_id, query_key) DO NOTHING;
END;

COMMENT ON FUNCTION jikan_sync.write_query_vectors(integer, bigint[], text[]) IS
'Writes usable vectors of queries.';

CREATE FUNCTION jikan_sync.purge_query_vectors(model_id integer)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM jikan_sync.query_vector AS v
    WHERE v.model_id = purge_query_vectors.model_id
        AND v.query_key IN (
            SELECT u.query_key
            FROM jikan_sync.query_vector AS u
            WHERE u.model_id = purge_query_vectors.model_id
            ORDER BY u.used_at DESC, u.embedded_at DESC
            OFFSET jikan_sync.setting_number('query_vector_limit')
        );
END;
$$;

COMMENT ON FUNCTION jikan_sync.purge_query_vectors(integer) IS
'Lets the least recently used query vectors beyond `query_vector_limit` go.';

CREATE FUNCTION jikan_sync.store_embeddings(
    model_id integer,
    task_ids bigint[],
    lease_tokens uuid[],
    anime_ids bigint[],
    input_hashes uuid[],
    embeddings text[],
    elapsed_ms double precision DEFAULT NULL
)
RETURNS TABLE (stored integer, outdated integer, invalid integer)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_dimensions integer;
    v_written bigint[];
    v_invalid_ids bigint[];
    v_invalid_tokens uuid[];
    v_invalid_hashes uuid[];
BEGIN
    IF coalesce(cardinality(task_ids), 0) = 0
        OR cardinality(task_ids) <> cardinality(lease_tokens)
        OR cardinality(task_ids) <> cardinality(anime_ids)
        OR cardinality(task_ids) <> cardinality(input_hashes)
        OR cardinality(task_ids) <> cardinality(embeddings)
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the arrays of store_embeddings must be of one length, and not empty',
            HINT = 'A text that got no vector goes to jikan_sync.fail_embeddings.';
    END IF;
    SELECT m.dimensions INTO v_dimensions
    FROM jikan.embedding_model AS m
    WHERE m.id = store_embeddings.model_id
    FOR KEY SHARE;
    IF NOT FOUND THEN
        -- Dropped meanwhile: nothing to write to, and the other models decide what is left to do.
        PERFORM jikan_sync.finish_embeddings(task_ids, lease_tokens);
        RETURN QUERY SELECT 0, cardinality(task_ids), 0;
        RETURN;
    END IF;

    SELECT
        array_agg(g.task_id),
        array_agg(g.lease_token),
        array_agg(g.input_hash)
    INTO v_invalid_ids, v_invalid_tokens, v_invalid_hashes
    FROM unnest(task_ids, lease_tokens, input_hashes, embeddings)
        AS g (task_id, lease_token, input_hash, embedding)
    WHERE jikan_sync.read_unit_vector(g.embedding, v_dimensions) IS NULL;

    v_written := ARRAY(
        SELECT w
        FROM jikan_sync.write_embeddings(model_id, anime_ids, input_hashes, embeddings) AS w
    );
    PERFORM jikan_sync.write_query_vectors(
        model_id,
        ARRAY(
            SELECT g.task_id
            FROM unnest(task_ids, anime_ids) WITH ORDINALITY AS g (task_id, anime_id, number)
            WHERE g.anime_id IS NULL
            ORDER BY g.number
        ),
        ARRAY(
            SELECT g.embedding
            FROM unnest(embeddings, anime_ids) WITH ORDINALITY AS g (embedding, anime_id, number)
            WHERE g.anime_id IS NULL
            ORDER BY g.number
        )
    );
    IF array_position(anime_ids, NULL) IS NOT NULL THEN
        PERFORM jikan_sync.purge_query_vectors(model_id);
        PERFORM jikan_sync.request_words(
            store_embeddings.model_id, coalesce(q.payload ->> 'query', q.payload ->> 'query_key')
        )
        FROM jikan_sync.queue AS q
        WHERE q.id = ANY (task_ids)
            AND q.task = 'embed_query';
    END IF;
    -- A lost lease leaves the task to its new holder, but the anime is no longer pending.
    PERFORM jikan_sync.mark_embedded(v_written);

    DELETE FROM jikan_sync.suspect_text AS s
    WHERE s.model_id = store_embeddings.model_id
        AND s.input_hash = ANY (input_hashes)
        AND s.input_hash <> ALL (coalesce(v_invalid_hashes, '{}'));
    UPDATE jikan.embedding_model AS m
    SET
        gone_until = NULL,
        gone_reason = NULL
    WHERE m.id = store_embeddings.model_id
        AND m.gone_until IS NOT NULL;
    PERFORM jikan_sync.note_embedding_answer(model_id);
    UPDATE jikan_sync.embedding_provider AS p
    SET
        ms_per_input = greatest(
            0.001,
            0.8 * p.ms_per_input
            + 0.2 * coalesce(elapsed_ms / nullif(cardinality(task_ids), 0), p.ms_per_input)
        )
    FROM jikan.embedding_model AS m
    WHERE m.id = store_embeddings.model_id
        AND p.name = m.provider;

    IF v_invalid_ids IS NOT NULL THEN
        PERFORM jikan_sync.fail_embeddings(
            model_id, v_invalid_ids, v_invalid_tokens, v_invalid_hashes, 'invalid',
            format('the answer is no vector of length 1 with %s dimensions', v_dimensions)
        );
    END IF;
    PERFORM jikan_sync.finish_embeddings(array_agg(g.task_id), array_agg(g.lease_token))
    FROM unnest(task_ids, lease_tokens) AS g (task_id, lease_token)
    WHERE g.task_id <> ALL (coalesce(v_invalid_ids, '{}'));

    stored := cardinality(v_written) + (
        SELECT count(*)
        FROM unnest(task_ids, anime_ids) AS g (task_id, anime_id)
        WHERE g.anime_id IS NULL
            AND g.task_id <> ALL (coalesce(v_invalid_ids, '{}'))
    );
    invalid := coalesce(cardinality(v_invalid_ids), 0);
    outdated := cardinality(task_ids) - stored - invalid;
    RETURN NEXT;
END;
$$;

COMMENT ON FUNCTION jikan_sync.store_embeddings(
    integer, bigint[], uuid[], bigint[], uuid[], text[], double precision
) IS
'Stores the answer to one claimed batch, vectors as text; `anime_ids` is NULL where a query was
embedded. Vectors of texts that changed meanwhile are dropped (`outdated`) and their tasks done
again.
Raises: 22023 (arrays of different lengths).';

GRANT EXECUTE ON FUNCTION jikan_sync.store_embeddings(
    integer, bigint[], uuid[], bigint[], uuid[], text[], double precision
) TO jikan_sidecar;

COMMIT;
