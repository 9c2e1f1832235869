-- Deploy pgjikan:functions/record_response to pg
-- requires: schema/queue
-- requires: schema/breaker
-- requires: schema/setting
-- requires: functions/complete
-- requires: functions/fail
-- requires: functions/report_request
-- requires: functions/search_answer
-- requires: functions/sync_run
-- requires: functions/note_missing
-- requires: functions/store_anime
-- requires: functions/store_pictures
-- requires: functions/store_reviews

-- What an upstream's answer means. The sidecar says what came over the socket; whether it is
-- stored, learned, counted as missing, tried again or given up is decided here, in one transaction
-- with the end of the task. A provider's fault is never the title's: only a request that the
-- upstream refuses, a document that cannot be stored, or a title that fails for days while others
-- are answered charges an attempt.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.setting (name, value, type, description)
VALUES (
    'title_fault_after',
    '1 day',
    'interval',
    'A request that has failed for so long, and ten times, while its provider answers others, is '
    'at fault itself: from then on it is charged, and ends as a dead letter.'
);

CREATE FUNCTION jikan_sync.is_at_fault(task jikan_sync.queue, provider text)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN task.failures >= 10
        AND task.created_at
        <= jikan_sync.clock_now() - jikan_sync.setting_interval('title_fault_after')
        AND NOT EXISTS (
            SELECT FROM jikan_sync.breaker AS b
            WHERE b.provider = is_at_fault.provider AND b.state <> 'closed'
        );
END;
$$;

COMMENT ON FUNCTION jikan_sync.is_at_fault(jikan_sync.queue, text) IS
'Whether a request that a provider fails at has itself to blame: it has failed for long enough and
the provider''s breaker is closed, so others are answered.';

CREATE FUNCTION jikan_sync.store_response(
    task jikan_sync.queue, document jsonb, fetched_at timestamptz
)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_data jsonb := document -> 'data';
    v_mal_ids integer[];
BEGIN
    IF task.task IN ('search', 'season', 'catalogue') THEN
        PERFORM jikan_sync.store_anime(v_data, 'list', fetched_at);
        SELECT coalesce(array_agg(jikan_sync.document_mal_id(d.entry) ORDER BY d.position), '{}')
        INTO v_mal_ids
        FROM jsonb_array_elements(v_data) WITH ORDINALITY AS d (entry, position)
        WHERE jikan_sync.document_mal_id(d.entry) IS NOT NULL;
    END IF;

    CASE task.task
        WHEN 'anime' THEN
            PERFORM jikan_sync.store_anime(v_data, 'full', fetched_at);
        WHEN 'pictures' THEN
            PERFORM jikan_sync.store_pictures(task.mal_id, v_data, fetched_at);
        WHEN 'reviews' THEN
            PERFORM jikan_sync.store_reviews(task.mal_id, v_data, fetched_at);
        WHEN 'search' THEN
            PERFORM jikan_sync.learn_search(task.payload ->> 'query_key', v_mal_ids);
        WHEN 'season', 'catalogue' THEN
            PERFORM jikan_sync.advance_sync_run(
                task.payload, document -> 'pagination', cardinality(v_mal_ids)
            );
    END CASE;
END;
$$;

COMMENT ON FUNCTION jikan_sync.store_response(jikan_sync.queue, jsonb, timestamptz) IS
'Stores the Jikan response `document` that answers `task`.
Raises: 22023, classes 22 and 23 (the document is not what the task asked for).';

CREATE FUNCTION jikan_sync.record_response(
    task_id bigint,
    lease_token uuid,
    provider text,
    outcome text,
    status integer DEFAULT NULL,
    body text DEFAULT NULL,
    retry_after interval DEFAULT NULL,
    elapsed_ms double precision DEFAULT NULL,
    bytes integer DEFAULT NULL,
    message text DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_task jikan_sync.queue;
    v_message text;
    v_fault text;
    v_retry_after interval;
    v_fetched_at timestamptz;
BEGIN
    SELECT q.*
    INTO v_task
    FROM jikan_sync.queue AS q
    WHERE q.id = record_response.task_id
        AND q.lease_token = record_response.lease_token
    FOR UPDATE;

    v_retry_after := jikan_sync.report_request(
        provider, outcome, v_task.task, v_task.dedupe_key, status, retry_after, elapsed_ms, bytes
    );
    IF v_task.id IS NULL THEN
        RETURN 'lost';
    END IF;

    IF outcome = 'not_found' AND v_task.task = 'anime' THEN
        PERFORM jikan_sync.note_missing(v_task.mal_id);
    END IF;

    IF outcome = 'ok' THEN
        -- As old as its asking: an answer that a lost connection kept back must not pass for newer
        -- than one that was asked for, and stored, meanwhile.
        v_fetched_at := least(
            v_task.lease_expires_at - jikan_sync.setting_interval('lease_duration'),
            jikan_sync.clock_now()
        );
        PERFORM set_config('pgjikan.embed_priority', v_task.priority, true);
        BEGIN
            PERFORM jikan_sync.store_response(v_task, body::jsonb, v_fetched_at);
        EXCEPTION
            WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
                GET STACKED DIAGNOSTICS v_fault = MESSAGE_TEXT;
                PERFORM jikan_sync.reject_document(v_task.task, v_task.mal_id, v_fault, body);
        END;
        PERFORM set_config('pgjikan.embed_priority', '', true);
    END IF;

    IF v_task.task = 'search' AND outcome = 'not_found' THEN
        PERFORM jikan_sync.learn_search(v_task.payload ->> 'query_key', '{}');
    ELSIF v_task.task = 'search' AND (outcome <> 'ok' OR v_fault IS NOT NULL) THEN
        PERFORM jikan_sync.search_failed(v_task.payload ->> 'query_key');
    END IF;

    IF outcome = 'not_found' OR outcome = 'ok' AND v_fault IS NULL THEN
        PERFORM jikan_sync.complete(task_id, lease_token);
        RETURN 'done';
    END IF;

    v_message := format(
        '%s: %s%s', provider, coalesce(v_fault, message, outcome), ' (HTTP ' || status || ')'
    );
    RETURN jikan_sync.fail(
        task_id,
        lease_token,
        CASE
            WHEN v_fault IS NOT NULL OR outcome = 'rejected' THEN 'row'
            WHEN outcome = 'rate_limited' THEN 'rate_limited'
            WHEN jikan_sync.is_at_fault(v_task, provider) THEN 'row'
            ELSE 'provider_down'
        END,
        v_message,
        v_retry_after
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.record_response(
    bigint, uuid, text, text, integer, text, interval, double precision, integer, text
) IS
'Ends a jikan task with what the upstream answered: `outcome` is ok, not_found, rate_limited,
rejected, upstream_error, transport_error or invalid; `body` the JSON text where ok. Returns done,
retry, dead, or lost (the lease was no longer held; nothing is stored).';

GRANT EXECUTE ON FUNCTION jikan_sync.record_response(
    bigint, uuid, text, text, integer, text, interval, double precision, integer, text
) TO jikan_sidecar;

COMMIT;
