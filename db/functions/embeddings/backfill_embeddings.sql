-- Deploy pgjikan:functions/embeddings/backfill_embeddings to pg
-- requires: functions/embeddings/embedding_model
-- requires: functions/embeddings/queue_embeddings
-- requires: functions/embeddings/embedding_available
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
        SELECT  -- noqa: LT09
            ceil(least(length(jikan_sync.embedding_input(a)), p.max_characters) / 4.0) AS tokens
        FROM jikan_sync.missing_embeddings(estimate_backfill.model_id) AS e
        INNER JOIN jikan.anime AS a ON e.id = a.id
        INNER JOIN jikan.embedding_model AS m ON m.id = estimate_backfill.model_id
        INNER JOIN jikan_sync.embedding_provider AS p ON m.provider = p.name
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
                            jikan_sync.rate_spacing(r, jikan_sync.clock_now())
                            * greatest(
                                CASE r.unit
                                    WHEN 'request' THEN t.requests
                                    WHEN 'text' THEN t.texts
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
    SELECT  -- noqa: ST06
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
        b.blocked_until,
        b.blocked_reason
    FROM jikan_sync.embedding_coverage(backfill_progress.model_id) AS c
    LEFT JOIN jikan_sync.embedding_block(backfill_progress.model_id) AS b ON true
    WHERE
        EXISTS (
            SELECT FROM jikan.embedding_model AS m
            WHERE m.id = backfill_progress.model_id
        );
END;

COMMENT ON FUNCTION jikan_sync.backfill_progress(integer) IS
'How far a backfill is: `left_count` tasks are still to come, none of them waiting for the night.';

COMMIT;
