-- Deploy pgjikan:functions/embeddings/claim_embeddings to pg
-- requires: functions/embeddings/finish_embeddings
-- requires: functions/embeddings/embedding_available
-- requires: functions/queue/claim
-- requires: functions/queue/fail
-- requires: functions/upstream/reserve_rate
-- requires: functions/embeddings/queue_embeddings
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
    ('token', interval '1 minute', 30000, 7500),
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
    INNER JOIN jikan.embedding AS e ON a.embedding_hash = e.input_hash
    INNER JOIN jikan.embedding_model AS m ON e.model_id = m.id
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
        left(jikan_sync.embedding_input(a), p.max_characters),
        a.title,
        a.embedding_hash,
        a.id AS anime_id,
        m.model_id,
        m.is_active
    FROM unnest(embedding_demand.tasks) WITH ORDINALITY AS t
    INNER JOIN jikan.anime AS a ON t.anime_id = a.id
    CROSS JOIN LATERAL jikan_sync.lacking_models(a.id) AS m
    INNER JOIN jikan.embedding_model AS e ON m.model_id = e.id
    INNER JOIN jikan_sync.embedding_provider AS p ON e.provider = p.name
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

CREATE FUNCTION jikan_sync.embedding_company(tasks jikan_sync.claimed_task[])
RETURNS SETOF jikan_sync.claimed_embedding
LANGUAGE plpgsql
STABLE
ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH text AS MATERIALIZED (
        SELECT
            d.*,
            m.provider,
            m.name AS model,
            m.dimensions,
            p.max_tokens,
            least(p.max_inputs, s.max_inputs) AS max_inputs,
            -- What failed for no known reason, or may fail again so, is tried in smaller company.
            greatest(
                least(p.max_inputs, s.max_inputs, p.inputs_limit)
                / (1 << least(p.doubt_count, 10)),
                1
            ) AS inputs_limit,
            row_number() OVER (
                PARTITION BY d.model_id, d.input_hash ORDER BY d.task_number
            ) AS copy_number
        FROM jikan_sync.embedding_demand(embedding_company.tasks) AS d
        INNER JOIN jikan.embedding_model AS m ON m.id = d.model_id
        INNER JOIN jikan_sync.embedding_provider AS p ON p.name = m.provider
        LEFT JOIN jikan_sync.suspect_text AS s
            ON s.model_id = d.model_id AND s.input_hash = d.input_hash
        WHERE NOT EXISTS (SELECT FROM jikan_sync.embedding_block(d.model_id))
    ),

    head AS (
        SELECT
            t.model_id,
            t.purpose,
            t.max_inputs,
            l.texts,
            l.tokens
        FROM text AS t
        CROSS JOIN LATERAL (
            SELECT
                min(r.burst) FILTER (WHERE r.unit = 'text') AS texts,
                min(r.burst) FILTER (WHERE r.unit = 'token') AS tokens
            FROM jikan_sync.rate_limit AS r
            WHERE r.subject = 'embedding:' || t.provider
        ) AS l
        ORDER BY t.task_number, t.is_active DESC, t.model_id
        LIMIT 1
    ),

    company AS (
        SELECT
            t.*,
            row_number() OVER w AS input_number,
            least(t.inputs_limit, h.texts) AS most_inputs,
            sum(ceil(length(t.input) / 4.0)) OVER w AS tokens,
            least(t.max_tokens, h.tokens) AS most_tokens
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
        c.task_id,
        c.lease_token,
        c.purpose,
        c.input,
        c.title,
        c.input_hash,
        c.anime_id,
        c.model_id,
        c.provider,
        c.model,
        c.dimensions,
        interval '0'
    FROM company AS c
    WHERE c.input_number = 1
        OR c.input_number <= c.most_inputs AND c.tokens <= c.most_tokens
    ORDER BY c.input_number;
END;
$$;

COMMENT ON FUNCTION jikan_sync.embedding_company(jikan_sync.claimed_task[]) IS
'Of the texts of claimed tasks those of one request: of the first one''s model and purpose, as many
as go with it; none where no model that lacks any may be asked now.';

CREATE FUNCTION jikan_sync.charge_embeddings(tasks jikan_sync.claimed_task[])
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_task jikan_sync.claimed_task;
    v_message text;
    v_is_found boolean := false;
BEGIN
    FOREACH v_task IN ARRAY tasks LOOP
        BEGIN
            PERFORM jikan_sync.adopt_embeddings(ARRAY[v_task.anime_id]);
            PERFORM FROM jikan_sync.embedding_company(ARRAY[v_task]);
            PERFORM jikan_sync.release(v_task.id, v_task.lease_token);
        EXCEPTION
            WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS v_message = MESSAGE_TEXT;
                PERFORM jikan_sync.fail(v_task.id, v_task.lease_token, 'bug', v_message);
                v_is_found := true;
        END;
    END LOOP;
    RETURN v_is_found;
END;
$$;

COMMENT ON FUNCTION jikan_sync.charge_embeddings(jikan_sync.claimed_task[]) IS
'After something failed at what these tasks are to embed: charges each that fails on its own, gives
the others back, and says whether any did.';

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

    BEGIN
        PERFORM jikan_sync.adopt_embeddings(array_agg(t.anime_id)) FROM unnest(v_tasks) AS t;
        v_texts := ARRAY(SELECT c FROM jikan_sync.embedding_company(v_tasks) AS c);
    EXCEPTION
        WHEN OTHERS THEN
            IF NOT jikan_sync.charge_embeddings(v_tasks) THEN
                RAISE;
            END IF;
            RETURN;
    END;

    -- What only a blocked provider can do stands aside until it may be asked again.
    PERFORM jikan_sync.fail(
        d.task_id, d.lease_token, 'rate_limited', 'the provider is blocked',
        min(b.blocked_until) - v_now
    )
    FROM jikan_sync.embedding_demand(v_tasks) AS d
    LEFT JOIN LATERAL jikan_sync.embedding_block(d.model_id) AS b ON true
    GROUP BY d.task_id, d.lease_token
    HAVING bool_and(b.blocked_until IS NOT NULL);

    -- What else is not in this request: done already, or for a later one.
    PERFORM jikan_sync.finish_embeddings(array_agg(t.id), array_agg(t.lease_token))
    FROM unnest(v_tasks) AS t
    WHERE t.id <> ALL (SELECT e.task_id FROM unnest(v_texts) AS e);

    IF v_texts = '{}' THEN
        RETURN;
    END IF;

    -- After failures one worker tries first: the minute it has is the others' wait.
    SELECT p.* INTO v_provider
    FROM jikan_sync.embedding_provider AS p
    WHERE p.name = v_texts[1].provider;
    IF v_provider.failure_count > 0 THEN
        UPDATE jikan_sync.embedding_provider AS p
        SET
            blocked_until = jikan_sync.later(v_now, c_longest_wait),
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
                'text', count(*),
                'token', sum(ceil(length(e.input) / 4.0))
            )
            FROM unnest(v_texts) AS e
        ),
        c_longest_wait
    );
    IF v_wait > c_longest_wait THEN
        UPDATE jikan_sync.embedding_provider AS p
        SET
            blocked_until = jikan_sync.later(v_now, v_wait),
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
it. A task whose text cannot be made is charged here. No row: nothing is due, or nothing may be
asked now. Answer with `jikan_sync.store_embeddings` or `jikan_sync.fail_embeddings`.';

GRANT EXECUTE ON FUNCTION jikan_sync.claim_embeddings(text) TO jikan_sidecar;

COMMIT;
