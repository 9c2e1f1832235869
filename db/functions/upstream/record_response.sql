-- Deploy pgjikan:functions/upstream/record_response to pg
-- requires: schema/queue
-- requires: schema/breaker
-- requires: schema/setting
-- requires: functions/queue/complete
-- requires: functions/queue/fail
-- requires: functions/upstream/report_request
-- requires: functions/search/search_answer
-- requires: functions/upstream/sync_run
-- requires: functions/store/note_missing
-- requires: functions/store/store_anime
-- requires: functions/store/store_facet
-- requires: functions/store/store_recent
-- requires: functions/store/json_list
-- requires: functions/freshness/ledger

-- What an upstream's answer means. The sidecar says what came over the socket; whether it is
-- stored, learned, counted as missing, tried again or given up is decided here, in one transaction
-- with the end of the task. A provider's fault is never the title's: only a request that the
-- upstream refuses, a document that cannot be stored, or a title that fails for days while others
-- are answered charges an attempt. Whatever a store raises costs the one task whose answer it was.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES (
    'title_fault_after',
    '1 day',
    'interval',
    '1 minute',
    '366 days',
    'A request that has failed for so long, and ten times, while its provider answers others, is '
    'at fault itself: from then on it is charged, and ends as a dead letter.'
);

CREATE FUNCTION jikan_sync.failure_class(task jikan_sync.queue, provider text, outcome text)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_failed_at timestamptz := task.errors -> -1 ->> 'at';
BEGIN
    IF outcome IN ('rejected', 'rate_limited') THEN
        RETURN CASE outcome WHEN 'rejected' THEN 'row' ELSE 'rate_limited' END;
    END IF;
    -- Was anything answered since this failed last? Then it is not the provider that is down. Nor is
    -- a gateway that only lacks this title yet.
    IF outcome <> 'not_yet' AND NOT EXISTS (
        SELECT FROM jikan_sync.request_stat AS s
        WHERE s.provider = failure_class.provider
            AND s.outcome IN ('ok', 'not_found', 'not_yet', 'rejected')
            AND s.hour >= date_trunc('hour', v_failed_at, 'UTC')
            AND s.last_at > v_failed_at
    ) OR outcome <> 'not_yet' AND EXISTS (
        SELECT FROM jikan_sync.breaker AS b
        WHERE b.provider = failure_class.provider AND b.state <> 'closed'
    )
    THEN
        -- Bulk that has served as a canary for long enough leaves that to others.
        RETURN CASE
            WHEN task.priority = 'low' AND task.failures >= 8 THEN 'title_down'
            ELSE 'provider_down'
        END;
    END IF;
    IF task.failures >= 10
        AND task.created_at
        <= jikan_sync.ago(jikan_sync.setting_interval('title_fault_after'))
    THEN
        RETURN 'row';
    END IF;
    RETURN 'title_down';
END;
$$;

COMMENT ON FUNCTION jikan_sync.failure_class(jikan_sync.queue, text, text) IS
'The class of a failed request: row (refused, or failing for so long that it is at fault itself),
rate_limited, title_down (the provider answered others since this failed last, or is a gateway that
lacks this yet) or provider_down. To
be asked before the failure is reported.';

CREATE FUNCTION jikan_sync.store_core(mal_id integer, document json, fetched_at timestamptz)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_data jsonb := document -> 'data';
    v_result jikan_sync.store_result;
BEGIN
    v_result := jikan_sync.store_anime(jsonb_build_array(v_data), 'full', fetched_at);
    IF v_result.rejected > 0 THEN
        RETURN (
            SELECT r.reason
            FROM jikan_sync.rejected_document AS r
            WHERE r.source = 'full'
            ORDER BY r.last_seen_at DESC, r.id DESC
            LIMIT 1
        );
    END IF;
    IF jikan_sync.document_mal_id(v_data) IS DISTINCT FROM mal_id THEN
        RETURN format(
            'asked for %s, got %s', mal_id, coalesce(v_data ->> 'mal_id', 'no mal_id')
        );
    END IF;
    PERFORM jikan_sync.note_answer('core', mal_id, 'stored');
    -- What a /full document should bring and did not is not asked for again at once.
    PERFORM jikan_sync.note_answer(f.name, store_core.mal_id, 'absent')
    FROM jikan_sync.facet AS f
    LEFT JOIN jikan_sync.ledger AS l ON l.facet = f.name AND l.mal_id = store_core.mal_id
    WHERE f.brought_by = 'core'
        AND (l.stored_at IS NULL OR l.stored_at < fetched_at)
        AND NOT v_data ?& '{relations,theme}';
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.store_core(integer, json, timestamptz) IS
'Stores the answer to a task for a title; why it could not be stored, or NULL where it was.';

CREATE FUNCTION jikan_sync.store_response(
    task jikan_sync.queue, document json, fetched_at timestamptz
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_facet text := task.payload ->> 'facet';
    v_result text;
BEGIN
    CASE task.task
        WHEN 'anime' THEN
            RETURN jikan_sync.store_core(task.mal_id, document, fetched_at);
        WHEN 'facet' THEN
            v_result := jikan_sync.store_facet(
                v_facet, task.mal_id, document, coalesce((task.payload ->> 'page')::integer, 1),
                fetched_at
            );
            IF v_result <> 'absent' THEN
                PERFORM jikan_sync.note_answer(
                    v_facet, task.mal_id, CASE v_result WHEN 'more' THEN 'partial' ELSE 'stored' END
                );
            END IF;
        WHEN 'recommendations' THEN
            PERFORM jikan_sync.store_recent((document -> 'data')::jsonb, fetched_at);
            PERFORM jikan_sync.keep_list(
                'recommendations/anime', coalesce((task.payload ->> 'page')::integer, 1), document,
                fetched_at
            );
        ELSE
            PERFORM jikan_sync.store_anime((document -> 'data')::jsonb, 'list', fetched_at);
            IF task.task = 'search' THEN
                PERFORM jikan_sync.learn_search(
                    task.payload ->> 'query_key', jikan_sync.listed_mal_ids(document)
                );
            END IF;
    END CASE;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.store_response(jikan_sync.queue, json, timestamptz) IS
'Stores the Jikan response `document` that answers `task`; why it could not be stored, or NULL where
it was. Raises: whatever a document can make a store raise.';

CREATE FUNCTION jikan_sync.listed_mal_ids(document json)
RETURNS integer[]
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(array_agg(jikan_sync.document_mal_id(d.entry) ORDER BY d.place), '{}')
    FROM
        jsonb_array_elements(
            jikan_sync.json_list((listed_mal_ids.document -> 'data')::jsonb)
        ) WITH ORDINALITY AS d (entry, place)
    WHERE jikan_sync.document_mal_id(d.entry) IS NOT NULL;
END;

COMMENT ON FUNCTION jikan_sync.listed_mal_ids(json) IS
'The mal_ids of a list page, in its order.';

CREATE FUNCTION jikan_sync.follow_up(task jikan_sync.queue, document json)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_page integer := coalesce((task.payload ->> 'page')::integer, 1);
BEGIN
    IF task.task IN ('season', 'catalogue') THEN
        PERFORM jikan_sync.advance_sync_run(
            task.payload, (document -> 'pagination')::jsonb, jikan_sync.listed_mal_ids(document)
        );
    ELSIF task.task = 'recommendations' THEN
        PERFORM jikan_sync.advance_sync_run(
            task.payload,
            (document -> 'pagination')::jsonb
            || CASE
                WHEN jikan_sync.oldest_recent((document -> 'data')::jsonb) <= (
                    SELECT max(r.started_at)
                    FROM jikan_sync.sync_run AS r
                    WHERE r.kind = 'recommendations' AND r.state = 'finished'
                )
                    THEN '{"has_next_page": false}'::jsonb
                ELSE '{}'
            END,
            jikan_sync.recent_titles((document -> 'data')::jsonb)
        );
    ELSIF task.task = 'facet' AND EXISTS (
        SELECT FROM jikan_sync.ledger AS l
        WHERE l.mal_id = task.mal_id
            AND l.facet = task.payload ->> 'facet'
            AND l.outcome = 'partial'
    )
    THEN
        PERFORM jikan_sync.enqueue(
            'facet', task.mal_id, task.payload || jsonb_build_object('page', v_page + 1),
            task.priority
        );
    END IF;
    -- Whoever waits for what was just stored looks again.
    IF task.task IN ('anime', 'facet') AND task.priority = 'high' THEN
        PERFORM pg_notify('anime_stored', '');
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.follow_up(jikan_sync.queue, json) IS
'What a stored answer brings about once its task is done: the next page of its walk or facet, and
word to who waits for it (channel `anime_stored`, without a payload).';

CREATE FUNCTION jikan_sync.follow_move(task jikan_sync.queue, moved_to integer)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF task.task NOT IN ('anime', 'facet')
        OR moved_to IS NULL
        OR moved_to < 1
        OR moved_to = task.mal_id
        OR NOT jikan_sync.may_ask('core', moved_to)
        OR EXISTS (
            SELECT FROM jikan.anime AS a
            WHERE a.mal_id = follow_move.moved_to
                AND NOT jikan_sync.is_stale('core', a.status, a.last_jikan_sync)
        )
    THEN
        RETURN false;
    END IF;
    RETURN jikan_sync.enqueue('anime', moved_to) IS NOT NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.follow_move(jikan_sync.queue, integer) IS
'Queues the title to which an upstream sends who asks for the one of `task` (MyAnimeList merges
entries of one anime), as low, unless it is fresh here or may not be asked for; whether it did.';

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
    message text DEFAULT NULL,
    is_keyed boolean DEFAULT FALSE,
    moved_to integer DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_patience CONSTANT integer := 3;
    v_task jikan_sync.queue;
    v_facet text;
    v_document json;
    v_class text;
    v_fault text;
    v_state text;
    v_verdict text := 'done';
    v_retry_after interval;
BEGIN
    -- Read, not locked: a store locks anime first, and the task's row comes after them.
    SELECT q.*
    INTO v_task
    FROM jikan_sync.queue AS q
    WHERE q.id = record_response.task_id
        AND q.lease_token = record_response.lease_token;
    IF NOT FOUND THEN
        PERFORM jikan_sync.report_request(
            provider, outcome, NULL, NULL, status, retry_after, elapsed_ms, bytes, is_keyed
        );
        RETURN 'lost';
    END IF;
    v_facet := CASE v_task.task
        WHEN 'anime' THEN 'core'
        WHEN 'facet' THEN v_task.payload ->> 'facet'
    END;

    IF outcome = 'ok' THEN
        PERFORM set_config('pgjikan.embed_priority', v_task.priority, true);
        BEGIN
            v_document := body::json;
            -- As old as its asking: an answer that a lost connection kept back must not pass for
            -- newer than one that was asked for, and stored, meanwhile.
            v_fault := jikan_sync.store_response(
                v_task,
                v_document,
                least(
                    jikan_sync.earlier(
                        v_task.lease_expires_at, jikan_sync.setting_interval('lease_duration')
                    ),
                    jikan_sync.clock_now()
                )
            );
            v_class := CASE WHEN v_fault IS NOT NULL THEN 'row' END;
        EXCEPTION
            -- OTHERS leaves query_canceled out: a document that takes too long is a fault as well.
            WHEN query_canceled OR OTHERS THEN
                GET STACKED DIAGNOSTICS v_fault = MESSAGE_TEXT, v_state = RETURNED_SQLSTATE;
                IF v_state = '57014' AND NOT jikan_sync.is_over_time() THEN
                    -- Somebody stops this process: no fault of the document's.
                    RAISE;
                END IF;
                v_class := CASE WHEN left(v_state, 2) IN ('22', '23', '54') THEN 'row' ELSE 'bug' END;
                v_fault := CASE v_class WHEN 'bug' THEN v_state || ' ' ELSE '' END || v_fault;
                PERFORM jikan_sync.reject_document(
                    coalesce(v_facet, v_task.task), v_task.mal_id, v_fault, body
                );
        END;
        PERFORM set_config('pgjikan.embed_priority', '', true);
    ELSIF outcome = 'not_found' AND v_facet = 'core' THEN
        PERFORM jikan_sync.note_missing(v_task.mal_id);
    ELSIF outcome = 'not_found' AND v_facet IS NOT NULL THEN
        PERFORM jikan_sync.note_answer(v_facet, v_task.mal_id, 'not_found');
    ELSIF outcome <> 'not_found' THEN
        v_class := jikan_sync.failure_class(v_task, provider, outcome);
    END IF;
    IF v_task.task = 'search' AND outcome = 'not_found' THEN
        PERFORM jikan_sync.learn_search(v_task.payload ->> 'query_key', '{}');
    ELSIF v_task.task = 'search' AND v_class IS NOT NULL THEN
        PERFORM jikan_sync.search_failed(v_task.payload ->> 'query_key');
    END IF;

    IF v_class IS NULL THEN
        IF NOT jikan_sync.complete(task_id, lease_token) THEN
            v_verdict := 'lost';
        ELSIF outcome = 'ok' THEN
            PERFORM jikan_sync.follow_up(v_task, v_document);
        ELSIF outcome = 'not_found' THEN
            PERFORM jikan_sync.follow_move(v_task, moved_to);
        END IF;
    END IF;
    v_retry_after := jikan_sync.report_request(
        provider, outcome, v_task.task, v_task.dedupe_key, status, retry_after, elapsed_ms, bytes,
        is_keyed
    );
    IF outcome = 'not_yet' AND v_task.failures >= c_patience THEN
        -- What does not come for so long is asked for ever less often, as the policy says.
        v_retry_after := NULL;
    END IF;
    IF v_class IS NOT NULL THEN
        v_verdict := jikan_sync.fail(
            task_id,
            lease_token,
            v_class,
            format('%s: %s%s', provider, coalesce(v_fault, message, outcome), ' (HTTP ' || status || ')'),
            CASE WHEN v_fault IS NULL THEN v_retry_after END
        );
    END IF;
    RETURN v_verdict;
END;
$$;

COMMENT ON FUNCTION jikan_sync.record_response(
    bigint, uuid, text, text, integer, text, interval, double precision, integer, text,
    boolean, integer
) IS
'Ends a jikan task with what the upstream answered: `outcome` is ok, not_found, not_yet,
rate_limited, rejected, upstream_error, transport_error or invalid; `body` the JSON text where ok; `is_keyed` as
the claim said; `moved_to` the mal_id that a redirect names. Returns done, retry, dead, or lost (the lease was no longer held). What a store
raises is charged to the task.';

GRANT EXECUTE ON FUNCTION jikan_sync.record_response(
    bigint, uuid, text, text, integer, text, interval, double precision, integer, text,
    boolean, integer
) TO jikan_sidecar;

COMMIT;
