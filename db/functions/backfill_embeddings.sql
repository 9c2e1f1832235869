-- Deploy pgjikan:functions/backfill_embeddings to pg
-- requires: functions/embedding_model
-- requires: functions/queue_embeddings
-- requires: schema/rate_limit
-- requires: schema/queue

-- Filling a model with vectors of everything there is: what it would take, told before anything is
-- spent, then the queueing of what it lacks. Interrupted, it goes on where it was: what is stored
-- is not asked for again.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.estimate_backfill(model_id integer)
RETURNS TABLE (
    text_count bigint,
    request_count bigint,
    token_count bigint,
    cost numeric,
    duration interval
)
LANGUAGE sql
STABLE
ROWS 1
BEGIN ATOMIC
    WITH text AS (
        SELECT ceil(length(jikan_sync.embedding_input(a)) / 4.0) AS tokens
        FROM jikan_sync.missing_embeddings(estimate_backfill.model_id) AS a
    ),

    total AS (
        SELECT
            m.provider,
            m.price,
            p.ms_per_input,
            count(t.tokens) AS texts,
            coalesce(sum(t.tokens), 0) AS tokens,
            greatest(
                ceil(count(t.tokens) / p.max_inputs::numeric),
                ceil(coalesce(sum(t.tokens), 0) / p.max_tokens)
            ) AS requests
        FROM jikan.embedding_model AS m
        INNER JOIN jikan_sync.embedding_provider AS p ON m.provider = p.name
        LEFT JOIN text AS t ON true
        WHERE m.id = estimate_backfill.model_id
        GROUP BY m.id, p.name
    )

    SELECT
        t.texts::bigint,
        t.requests::bigint,
        t.tokens::bigint,
        round(t.tokens / 1000000 * t.price, 2),
        date_trunc(
            'second',
            greatest(
                t.texts * t.ms_per_input * interval '1 millisecond',
                (
                    SELECT
                        max(
                            r.period / r.allowed::double precision
                            * greatest(
                                CASE r.unit
                                    WHEN 'request' THEN t.requests
                                    WHEN 'input' THEN t.texts
                                    WHEN 'token' THEN t.tokens
                                END - r.burst,
                                0
                            )::double precision
                        )
                    FROM jikan_sync.rate_limit AS r
                    WHERE r.subject = 'embedding:' || t.provider
                )
            )
        )
    FROM total AS t;
END;

COMMENT ON FUNCTION jikan_sync.estimate_backfill(integer) IS
'What embedding the titles that lack a current vector of a model would take: texts, requests,
tokens (at 4 characters each), US dollars at the model''s price, and time at its measured speed
and limits.';

CREATE FUNCTION jikan_sync.backfill_embeddings(model_id integer)
RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE jikan.embedding_model AS m
    SET status = 'backfilling'
    WHERE m.id = backfill_embeddings.model_id
        AND m.status = 'retired';
    IF NOT EXISTS (
        SELECT 1
        FROM jikan.embedding_model AS m WHERE m.id = backfill_embeddings.model_id
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('there is no embedding model %s', model_id),
            HINT = 'SELECT id, provider, name, status FROM jikan.embedding_model;';
    END IF;
    RETURN jikan_sync.enqueue_many(
        'embed',
        ARRAY(SELECT a.mal_id FROM jikan_sync.missing_embeddings(model_id) AS a),
        'low',
        jikan_sync.clock_now()
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.backfill_embeddings(integer) IS
'Queues, for now and not for the night, every title that lacks a current vector of the model; a
retired model is kept current again. Answers how many tasks are new or brought forward.
Raises: 22023 (no such model).';

CREATE FUNCTION jikan_sync.backfill_progress(model_id integer)
RETURNS TABLE (
    title_count bigint,
    current_count bigint,
    left_count bigint,
    blocked_until timestamptz,
    blocked_reason text
)
LANGUAGE sql
STABLE
ROWS 1
BEGIN ATOMIC
    SELECT
        c.title_count,
        c.current_count,
        (
            SELECT count(*)
            FROM jikan_sync.missing_embeddings(backfill_progress.model_id) AS a
            INNER JOIN jikan_sync.queue AS q ON a.id = q.anime_id
            WHERE
                q.task = 'embed'
                AND q.ready_at < 'infinity'
        ),
        CASE WHEN p.blocked_until > jikan_sync.clock_now() THEN p.blocked_until END,
        CASE WHEN p.blocked_until > jikan_sync.clock_now() THEN p.blocked_reason END
    FROM jikan_sync.embedding_coverage(backfill_progress.model_id) AS c
    INNER JOIN jikan.embedding_model AS m ON m.id = backfill_progress.model_id
    INNER JOIN jikan_sync.embedding_provider AS p ON m.provider = p.name;
END;

COMMENT ON FUNCTION jikan_sync.backfill_progress(integer) IS
'How far a backfill is: `left_count` tasks are still to come, none of them waiting for the night.';

CREATE FUNCTION jikan_sync.embedding_status()
RETURNS TABLE (
    id integer,
    provider text,
    name text,
    dimensions integer,
    status text,
    title_count bigint,
    current_count bigint,
    coverage double precision,
    size_bytes bigint,
    has_index boolean,
    waiting_count bigint,
    dead_count bigint,
    blocked_until timestamptz,
    blocked_reason text
)
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        m.id,
        m.provider,
        m.name,
        m.dimensions,
        m.status,
        c.title_count,
        c.current_count,
        c.coverage,
        pg_total_relation_size(format('jikan.embedding_%s', m.id)::regclass),
        exists(
            SELECT FROM pg_class AS i
            WHERE i.oid = to_regclass(format('jikan.embedding_%s_hnsw_idx', m.id))
        ),
        (
            SELECT count(*)
            FROM jikan_sync.queue AS q
            WHERE q.lane = 'embedding'
        ),
        (
            SELECT count(*)
            FROM jikan_sync.dead_letter AS d
            WHERE d.task = 'embed'
        ),
        CASE WHEN p.blocked_until > jikan_sync.clock_now() THEN p.blocked_until END,
        CASE WHEN p.blocked_until > jikan_sync.clock_now() THEN p.blocked_reason END
    FROM jikan.embedding_model AS m
    INNER JOIN jikan_sync.embedding_provider AS p ON m.provider = p.name
    CROSS JOIN LATERAL jikan_sync.embedding_coverage(m.id) AS c
    ORDER BY m.id;
END;

COMMENT ON FUNCTION jikan_sync.embedding_status() IS
'Every model with its coverage and size; `waiting_count` and `dead_count` are of all models
together; `blocked_until` and `blocked_reason` say why its provider is left alone just now.';

COMMIT;
