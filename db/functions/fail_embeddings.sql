-- Deploy pgjikan:functions/fail_embeddings to pg
-- requires: functions/finish_embeddings
-- requires: functions/fail
-- requires: functions/reserve_rate
-- requires: schema/suspect_text

-- What follows from a request that failed. A bad key, an exhausted quota or a dead provider is
-- nobody's fault in the batch: the provider is blocked for a while and no attempt is charged. A
-- refused batch is halved until the text at fault stands alone; only that one is charged.

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
    v_provider jikan_sync.embedding_provider;
    v_pause interval;
    v_count integer := cardinality(task_ids);
BEGIN
    IF outcome IN ('rejected', 'invalid') THEN
        -- It answered, so it is up.
        UPDATE jikan_sync.embedding_provider AS p
        SET
            failure_count = 0,
            blocked_until = NULL,
            blocked_reason = NULL
        FROM jikan.embedding_model AS m
        WHERE m.id = fail_embeddings.model_id
            AND p.name = m.provider
            AND p.failure_count > 0;
        IF v_count = 1 THEN
            RETURN jikan_sync.fail(task_ids[1], lease_tokens[1], 'row', outcome || ': ' || message);
        END IF;
        INSERT INTO jikan_sync.suspect_text (model_id, input_hash, max_inputs, suspected_at)
        SELECT DISTINCT
            m.id,
            g.input_hash,
            v_count / 2,
            jikan_sync.clock_now()
        FROM unnest(input_hashes) AS g (input_hash)
        INNER JOIN jikan.embedding_model AS m ON m.id = fail_embeddings.model_id
        ON CONFLICT ON CONSTRAINT suspect_text_pkey DO UPDATE
            SET
                max_inputs = excluded.max_inputs,
                suspected_at = excluded.suspected_at;
        PERFORM jikan_sync.release(g.task_id, g.lease_token)
        FROM unnest(task_ids, lease_tokens) AS g (task_id, lease_token);
        RETURN 'retry';
    END IF;
    IF outcome NOT IN (
        'rate_limited', 'quota_exhausted', 'unauthorised', 'provider_error', 'transport_error'
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('"%s" is no outcome of an embeddings request', outcome),
            HINT = 'rate_limited, quota_exhausted, unauthorised, provider_error, transport_error, '
                'rejected or invalid.';
    END IF;

    SELECT p.* INTO v_provider
    FROM jikan_sync.embedding_provider AS p
    INNER JOIN jikan.embedding_model AS m ON m.provider = p.name
    WHERE m.id = fail_embeddings.model_id
    FOR UPDATE OF p;
    v_pause := jikan_sync.embedding_pause(v_provider, outcome, retry_after);
    UPDATE jikan_sync.embedding_provider AS p
    SET
        failure_count = p.failure_count + 1,
        blocked_until = greatest(p.blocked_until, jikan_sync.clock_now() + v_pause),
        blocked_reason = left(outcome || ': ' || message, 500)
    WHERE p.name = v_provider.name;
    IF outcome = 'rate_limited' THEN
        PERFORM jikan_sync.slow_rate('embedding:' || v_provider.name, v_pause);
    END IF;
    PERFORM jikan_sync.fail(
        g.task_id,
        g.lease_token,
        CASE outcome
            WHEN 'rate_limited' THEN 'rate_limited'
            WHEN 'quota_exhausted' THEN 'rate_limited'
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
'Reports a failed request for one claimed batch, by the outcome''s name; answers retry, dead or
lost.
Raises: 22023 (unknown outcome).';

GRANT EXECUTE ON FUNCTION jikan_sync.fail_embeddings(
    integer, bigint[], uuid[], uuid[], text, text, interval
) TO jikan_sidecar;

COMMIT;
