-- Deploy pgjikan:functions/embeddings/fail_embeddings to pg
-- requires: functions/embeddings/finish_embeddings
-- requires: functions/queue/fail
-- requires: functions/upstream/reserve_rate
-- requires: schema/suspect_text
-- requires: functions/upstream/heeded

-- What follows from a request that failed. A bad key, an exhausted quota or a dead provider is
-- nobody's fault in the batch: the provider is blocked for a while and no attempt is charged. A
-- refused batch is halved until the text at fault stands alone; only that one is charged. A failure
-- without a cause (500, a time-out) may be any of three: the provider is down, it cannot take so
-- many, or one text is too much for it. So the batch is halved, what is tried next is small, and
-- who fails alone while others are answered is at fault.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.embedding_pause(
    provider jikan_sync.embedding_provider,
    outcome text,
    retry_after interval
)
RETURNS interval
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
BEGIN
    RETURN CASE outcome
        WHEN 'quota_exhausted' THEN
            (
                date_trunc('day', v_now AT TIME ZONE provider.quota_timezone)
                + interval '1 day 1 minute'
            ) AT TIME ZONE provider.quota_timezone - v_now
        WHEN 'unauthorised' THEN interval '10 minutes'
        ELSE coalesce(
            jikan_sync.heeded(retry_after),
            least(
                interval '5 seconds' * 2 ^ least(provider.failure_count, 10),
                interval '10 minutes'
            ) * (0.8 + 0.4 * random())
        )
    END;
END;
$$;

COMMENT ON FUNCTION jikan_sync.embedding_pause(
    jikan_sync.embedding_provider, text, interval
) IS
'How long a provider is left alone after a failure: as it asks, else 5 seconds doubling to 10
minutes; after an exhausted quota until midnight where it counts its days; after a refused key 10
minutes.';

CREATE FUNCTION jikan_sync.note_embedding_answer(model_id integer)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
BEGIN
    UPDATE jikan_sync.embedding_provider AS p
    SET
        failure_count = 0,
        doubt_count = 0,
        answered_at = v_now,
        inputs_limit = CASE WHEN p.limited_until > v_now THEN p.inputs_limit END,
        limited_until = CASE WHEN p.limited_until > v_now THEN p.limited_until END,
        blocked_until = NULL,
        blocked_reason = NULL
    FROM jikan.embedding_model AS m
    WHERE m.id = note_embedding_answer.model_id
        AND p.name = m.provider;
END;
$$;

COMMENT ON FUNCTION jikan_sync.note_embedding_answer(integer) IS
'The provider of a model has answered, so it is up.';

CREATE FUNCTION jikan_sync.suspect_texts(
    model_id integer,
    input_hashes uuid[],
    max_inputs integer
)
RETURNS void
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    INSERT INTO jikan_sync.suspect_text AS s (model_id, input_hash, max_inputs, suspected_at)
    SELECT DISTINCT
        m.id,
        g.input_hash,
        suspect_texts.max_inputs,
        jikan_sync.clock_now()
    FROM unnest(suspect_texts.input_hashes) AS g (input_hash)
    INNER JOIN jikan.embedding_model AS m ON m.id = suspect_texts.model_id
    ON CONFLICT (model_id, input_hash) DO UPDATE
        SET
            max_inputs = excluded.max_inputs,
            suspected_at = excluded.suspected_at
        WHERE s.max_inputs > excluded.max_inputs;
END;

COMMENT ON FUNCTION jikan_sync.suspect_texts(integer, uuid[], integer) IS
'Remembers that one of these texts may be at fault: they are sent again `max_inputs` at a time.';

CREATE FUNCTION jikan_sync.doubt_embeddings(
    provider jikan_sync.embedding_provider,
    model_id integer,
    input_hashes uuid[]
)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_limit_held CONSTANT interval := '1 day';
    c_alone_for CONSTANT interval := '1 day';
    v_now timestamptz := jikan_sync.clock_now();
    v_half integer := greatest(cardinality(input_hashes) / 2, 1);
    v_suspected_at timestamptz;
BEGIN
    IF cardinality(input_hashes) = 1 AND EXISTS (
        SELECT FROM jikan_sync.suspect_text AS s
        WHERE s.model_id = doubt_embeddings.model_id
            AND s.input_hash = input_hashes[1]
            AND s.is_guilty
    ) THEN
        RETURN true;
    END IF;
    SELECT min(s.suspected_at) INTO v_suspected_at
    FROM jikan_sync.suspect_text AS s
    WHERE s.model_id = doubt_embeddings.model_id
        AND s.input_hash = ANY (input_hashes);
    -- Others were answered since; or none waits that could be, and this one has had its time.
    IF cardinality(input_hashes) = 1 AND (
        provider.failure_count = 0 AND v_suspected_at < provider.answered_at
        OR v_suspected_at < jikan_sync.earlier(v_now, c_alone_for) AND NOT EXISTS (
            SELECT FROM jikan_sync.queue AS q
            LEFT JOIN jikan.anime AS a ON a.id = q.anime_id
            WHERE q.lane = 'embedding'
                AND NOT EXISTS (
                    SELECT FROM jikan_sync.suspect_text AS s
                    WHERE s.model_id = doubt_embeddings.model_id
                        AND s.max_inputs = 1
                        AND s.input_hash
                        = coalesce(a.embedding_hash, md5(q.payload ->> 'query_key')::uuid)
                )
        )
    ) THEN
        UPDATE jikan_sync.suspect_text AS s
        SET is_guilty = true
        WHERE s.model_id = doubt_embeddings.model_id
            AND s.input_hash = input_hashes[1];
        -- It was the text, not the number. If it is the provider after all, the next failure has
        -- this one before it and finds nobody guilty.
        UPDATE jikan_sync.embedding_provider AS p
        SET
            failure_count = greatest(p.failure_count, 1),
            inputs_limit = NULL,
            limited_until = NULL
        WHERE p.name = provider.name;
        RETURN true;
    END IF;
    -- With a failure before it and no answer since, the provider may just be down.
    IF provider.failure_count > 0 AND cardinality(input_hashes) > 1 THEN
        RETURN false;
    END IF;
    PERFORM jikan_sync.suspect_texts(model_id, input_hashes, v_half);
    -- A batch of which none is suspected may have been too large.
    IF v_suspected_at IS NULL AND cardinality(input_hashes) > 1 THEN
        UPDATE jikan_sync.embedding_provider AS p
        SET
            inputs_limit = v_half,
            limited_until = jikan_sync.later(v_now, c_limit_held)
        WHERE p.name = provider.name;
    END IF;
    RETURN false;
END;
$$;

COMMENT ON FUNCTION jikan_sync.doubt_embeddings(
    jikan_sync.embedding_provider, integer, uuid[]
) IS
'After a failure that told no cause: whether it is the fault of the one text that was sent. Else
what may be to blame, the texts or their number, is remembered, so that the next tries find out.';

CREATE FUNCTION jikan_sync.fail_embeddings(
    model_id integer,
    task_ids bigint[],
    lease_tokens uuid[],
    input_hashes uuid[],
    outcome text,
    message text,
    retry_after interval DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_gone_for CONSTANT interval := '1 day';
    v_provider jikan_sync.embedding_provider;
    v_pause interval;
    v_count integer := cardinality(task_ids);
    v_is_doubt boolean := outcome IN ('provider_error', 'transport_error');
    v_is_at_fault boolean := outcome IN ('rejected', 'invalid', 'bug');
BEGIN
    IF outcome IS NULL OR outcome NOT IN (
        'rate_limited', 'quota_exhausted', 'unauthorised', 'model_gone', 'provider_error',
        'transport_error', 'rejected', 'invalid', 'bug'
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('"%s" is no outcome of an embeddings request', outcome),
            HINT = 'rate_limited, quota_exhausted, unauthorised, model_gone, provider_error, '
                'transport_error, rejected, invalid or bug.';
    END IF;
    SELECT p.* INTO v_provider
    FROM jikan_sync.embedding_provider AS p
    INNER JOIN jikan.embedding_model AS m ON m.provider = p.name
    WHERE m.id = fail_embeddings.model_id
    FOR UPDATE OF p;
    IF NOT FOUND THEN
        -- Dropped meanwhile: the other models decide what is left to do.
        PERFORM jikan_sync.finish_embeddings(task_ids, lease_tokens);
        RETURN 'retry';
    END IF;

    IF outcome IN ('rejected', 'invalid') THEN
        PERFORM jikan_sync.note_embedding_answer(model_id);
    ELSIF v_is_doubt THEN
        v_is_at_fault := jikan_sync.doubt_embeddings(v_provider, model_id, input_hashes);
    END IF;

    IF v_is_at_fault AND v_count > 1 THEN
        PERFORM jikan_sync.suspect_texts(model_id, input_hashes, v_count / 2);
    END IF;
    IF v_is_at_fault AND v_count = 1 THEN
        RETURN jikan_sync.fail(
            task_ids[1],
            lease_tokens[1],
            CASE WHEN outcome = 'bug' THEN 'bug' ELSE 'row' END,
            outcome || ': ' || message
        );
    END IF;
    IF outcome = 'model_gone' THEN
        UPDATE jikan.embedding_model AS m
        SET
            gone_until = jikan_sync.later(jikan_sync.clock_now(), c_gone_for),
            gone_reason = left(
                'the model is gone, add another and switch to it: ' || message, 500
            )
        WHERE m.id = fail_embeddings.model_id;
    END IF;
    IF v_is_at_fault OR outcome = 'model_gone' THEN
        PERFORM jikan_sync.release(g.task_id, g.lease_token)
        FROM unnest(task_ids, lease_tokens) AS g (task_id, lease_token);
        RETURN 'retry';
    END IF;

    v_pause := jikan_sync.embedding_pause(v_provider, outcome, retry_after);
    UPDATE jikan_sync.embedding_provider AS p
    SET
        failure_count = p.failure_count + 1,
        doubt_count = p.doubt_count + v_is_doubt::integer,
        blocked_until = greatest(p.blocked_until, jikan_sync.later(jikan_sync.clock_now(), v_pause)),
        blocked_reason = left(outcome || ': ' || message, 500)
    WHERE p.name = v_provider.name;
    IF outcome = 'rate_limited' THEN
        PERFORM jikan_sync.slow_rate('embedding:' || v_provider.name, v_pause);
    END IF;
    PERFORM jikan_sync.fail(
        g.task_id,
        g.lease_token,
        CASE
            WHEN outcome IN ('rate_limited', 'quota_exhausted') THEN 'rate_limited'
            ELSE 'provider_down'
        END,
        outcome || ': ' || message,
        v_pause
    )
    FROM unnest(task_ids, lease_tokens) AS g (task_id, lease_token);
    RETURN 'retry';
END;
$$;

COMMENT ON FUNCTION jikan_sync.fail_embeddings(
    integer, bigint[], uuid[], uuid[], text, text, interval
) IS
'Reports a failed request for one claimed batch, by the outcome''s name (`bug`: the worker''s own
code, or storing, failed); answers retry, dead or lost.
Raises: 22023 (unknown outcome).';

GRANT EXECUTE ON FUNCTION jikan_sync.fail_embeddings(
    integer, bigint[], uuid[], uuid[], text, text, interval
) TO jikan_sidecar;

COMMIT;
