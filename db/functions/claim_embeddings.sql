-- Deploy pgjikan:functions/claim_embeddings to pg
-- requires: functions/finish_embeddings
-- requires: functions/embedding_available
-- requires: functions/claim
-- requires: functions/fail
-- requires: functions/reserve_rate
-- requires: functions/queue_embeddings
-- requires: schema/suspect_text

-- What a worker sends to an embeddings API next: one request's worth of texts for one model, each
-- with the hash of the text as it is now. A text that already has its vector costs no request: it
-- is completed here.

BEGIN;

SET LOCAL ROLE jikan_owner;

-- What Google documents for a key without billing; with billing raise them.
INSERT INTO jikan_sync.rate_limit (subject, unit, period, allowed, burst)
SELECT
    'embedding:' || p.name,
    l.unit,
    l.period,
    l.allowed,
    l.burst
FROM jikan_sync.embedding_provider AS p
CROSS JOIN (
    VALUES
    ('request', interval '1 minute', 100, 1),
    ('token', interval '1 minute', 30000, 1),
    ('request', interval '1 day', 1000, 400)
) AS l (unit, period, allowed, burst)
WHERE p.name IN ('google', 'google-legacy');

CREATE TYPE jikan_sync.claimed_embedding AS (
    task_id bigint,
    lease_token uuid,
    purpose text,
    input text,
    title text,
    input_hash uuid,
    anime_id bigint,
    model_id integer,
    provider text,
    model text,
    dimensions integer,
    wait interval
);

COMMENT ON TYPE jikan_sync.claimed_embedding IS
'A text to embed: its task and lease, what to send to which model, and how long to wait before.';

CREATE FUNCTION jikan_sync.adopt_embeddings(anime_ids bigint[])
RETURNS void
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    INSERT INTO jikan.embedding (model_id, anime_id, input_hash, embedding, embedded_at)
    SELECT DISTINCT ON (e.model_id, a.id)
        e.model_id,
        a.id,
        e.input_hash,
        e.embedding,
        jikan_sync.clock_now()
    FROM jikan.anime AS a
    INNER JOIN jikan.embedding AS e ON e.input_hash = a.embedding_hash
    INNER JOIN jikan.embedding_model AS m ON m.id = e.model_id
    WHERE
        a.id = any(adopt_embeddings.anime_ids)
        AND m.status IN ('active', 'backfilling')
        AND e.anime_id <> a.id
    ON CONFLICT (model_id, anime_id) DO UPDATE
        SET
            input_hash = excluded.input_hash,
            embedding = excluded.embedding,
            embedded_at = excluded.embedded_at
        WHERE embedding.input_hash <> excluded.input_hash;
END;

COMMENT ON FUNCTION jikan_sync.adopt_embeddings(bigint[]) IS
'Gives anime the vectors that others with the very same text already have.';

CREATE FUNCTION jikan_sync.embedding_demand(tasks jikan_sync.claimed_task[])
RETURNS TABLE (
    task_number bigint,
    task_id bigint,
    lease_token uuid,
    purpose text,
    input text,
    title text,
    input_hash uuid,
    anime_id bigint,
    model_id integer,
    is_active boolean
)
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        t.ordinality AS task_number,
        t.id AS task_id,
        t.lease_token,
        'document',
        jikan_sync.embedding_input(a),
        a.title,
        a.embedding_hash,
        a.id AS anime_id,
        m.id AS model_id,
        m.status = 'active'
    FROM unnest(embedding_demand.tasks) WITH ORDINALITY AS t
    INNER JOIN jikan.anime AS a ON a.id = t.anime_id
    CROSS JOIN LATERAL jikan_sync.lacking_models(a.id) AS m
    WHERE t.task = 'embed'
    UNION ALL
    SELECT
        t.ordinality AS task_number,
        t.id AS task_id,
        t.lease_token,
        'query',
        coalesce(t.payload ->> 'query', t.payload ->> 'query_key'),
        NULL,
        md5(t.payload ->> 'query_key')::uuid,
        NULL,
        m.id AS model_id,
        TRUE
    FROM unnest(embedding_demand.tasks) WITH ORDINALITY AS t
    INNER JOIN jikan.embedding_model AS m ON m.status = 'active'
    WHERE
        t.task = 'embed_query'
        AND jikan_sync.lacks_query_vector(t.payload ->> 'query_key');
END;

COMMENT ON FUNCTION jikan_sync.embedding_demand(jikan_sync.claimed_task[]) IS
'The texts that claimed tasks still have to be embedded, for each model that lacks them.';

CREATE FUNCTION jikan_sync.claim_embeddings(worker text)
RETURNS SETOF jikan_sync.claimed_embedding
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_longest_wait CONSTANT interval := '1 minute';
    v_now timestamptz := jikan_sync.clock_now();
    v_tasks jikan_sync.claimed_task[];
    v_texts jikan_sync.claimed_embedding[];
    v_provider jikan_sync.embedding_provider;
    v_wait interval := '0';
BEGIN
    SELECT array_agg(c ORDER BY c.priority, c.id) INTO v_tasks
    FROM jikan_sync.claim(
        worker,
        'embedding',
        (
            SELECT max(p.max_inputs)
            FROM jikan.embedding_model AS m
            INNER JOIN jikan_sync.embedding_provider AS p ON p.name = m.provider
            WHERE m.status IN ('active', 'backfilling')
        )
    ) AS c;
    IF v_tasks IS NULL THEN
        RETURN;
    END IF;
    PERFORM jikan_sync.adopt_embeddings(array_agg(t.anime_id)) FROM unnest(v_tasks) AS t;

    -- One request: the first text's model, purpose and largest company.
    WITH text AS MATERIALIZED (
        SELECT
            d.*,
            m.provider,
            m.name AS model,
            m.dimensions,
            p.max_tokens,
            least(p.max_inputs, s.max_inputs) AS max_inputs,
            row_number() OVER (
                PARTITION BY d.model_id, d.input_hash ORDER BY d.task_number
            ) AS copy_number
        FROM jikan_sync.embedding_demand(v_tasks) AS d
        INNER JOIN jikan.embedding_model AS m ON m.id = d.model_id
        INNER JOIN jikan_sync.embedding_provider AS p ON p.name = m.provider
        LEFT JOIN jikan_sync.suspect_text AS s
            ON s.model_id = d.model_id AND s.input_hash = d.input_hash
        WHERE p.blocked_until IS NULL OR p.blocked_until <= v_now
    ),

    head AS (
        SELECT t.model_id, t.purpose, t.max_inputs
        FROM text AS t
        ORDER BY t.task_number, t.is_active DESC, t.model_id
        LIMIT 1
    ),

    company AS (
        SELECT
            t.*,
            row_number() OVER w AS input_number,
            sum(ceil(length(t.input) / 4.0)) OVER w AS tokens
        FROM text AS t
        INNER JOIN head AS h
            ON
                h.model_id = t.model_id
                AND h.purpose = t.purpose
                AND h.max_inputs = t.max_inputs
        WHERE t.copy_number = 1
        WINDOW w AS (ORDER BY t.task_number)
    )

    SELECT
        array_agg(
            (
                c.task_id, c.lease_token, c.purpose, c.input, c.title, c.input_hash, c.anime_id,
                c.model_id, c.provider, c.model, c.dimensions, interval '0'
            )::jikan_sync.claimed_embedding
            ORDER BY c.input_number
        )
    INTO v_texts
    FROM company AS c
    WHERE c.input_number <= c.max_inputs
        AND (c.input_number = 1 OR c.tokens <= c.max_tokens);

    -- What only a blocked provider can do stands aside until it may be asked again.
    PERFORM jikan_sync.fail(
        d.task_id, d.lease_token, 'rate_limited', 'the provider is blocked',
        min(p.blocked_until) - v_now
    )
    FROM jikan_sync.embedding_demand(v_tasks) AS d
    INNER JOIN jikan.embedding_model AS m ON m.id = d.model_id
    INNER JOIN jikan_sync.embedding_provider AS p ON p.name = m.provider
    GROUP BY d.task_id, d.lease_token
    HAVING bool_and(coalesce(p.blocked_until, '-infinity') > v_now);

    -- What else is not in this request: done already, or for a later one.
    PERFORM jikan_sync.finish_embeddings(array_agg(t.id), array_agg(t.lease_token))
    FROM unnest(v_tasks) AS t
    WHERE t.id <> ALL (SELECT e.task_id FROM unnest(v_texts) AS e);

    IF v_texts IS NULL THEN
        RETURN;
    END IF;

    -- After failures one worker tries first: the minute it has is the others' wait.
    SELECT p.* INTO v_provider
    FROM jikan_sync.embedding_provider AS p
    WHERE p.name = v_texts[1].provider;
    IF v_provider.failure_count > 0 THEN
        UPDATE jikan_sync.embedding_provider AS p
        SET
            blocked_until = v_now + c_longest_wait,
            blocked_reason = coalesce(p.blocked_reason, 'probing')
        WHERE p.name = v_provider.name
            AND (p.blocked_until IS NULL OR p.blocked_until <= v_now);
        IF NOT FOUND THEN
            PERFORM jikan_sync.release(e.task_id, e.lease_token) FROM unnest(v_texts) AS e;
            RETURN;
        END IF;
    END IF;

    v_wait := jikan_sync.reserve_rate(
        'embedding:' || v_provider.name,
        (
            SELECT jsonb_build_object(
                'request', 1,
                'input', count(*),
                'token', sum(ceil(length(e.input) / 4.0))
            )
            FROM unnest(v_texts) AS e
        ),
        c_longest_wait
    );
    IF v_wait > c_longest_wait THEN
        UPDATE jikan_sync.embedding_provider AS p
        SET
            blocked_until = v_now + v_wait,
            blocked_reason = 'own limit'
        WHERE p.name = v_provider.name;
        PERFORM jikan_sync.release(e.task_id, e.lease_token) FROM unnest(v_texts) AS e;
        RETURN;
    END IF;

    RETURN QUERY
    SELECT
        e.task_id,
        e.lease_token,
        e.purpose,
        e.input,
        e.title,
        e.input_hash,
        e.anime_id,
        e.model_id,
        e.provider,
        e.model,
        e.dimensions,
        v_wait
    FROM unnest(v_texts) AS e;
END;
$$;

COMMENT ON FUNCTION jikan_sync.claim_embeddings(text) IS
'Claims texts for one request to one model and reserves the provider''s limits; wait `wait` before
it. No row: nothing is due, or nothing may be asked now. Answer with
`jikan_sync.store_embeddings` or `jikan_sync.fail_embeddings`.';

GRANT EXECUTE ON FUNCTION jikan_sync.claim_embeddings(text) TO jikan_sidecar;

COMMIT;
