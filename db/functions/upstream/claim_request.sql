-- Deploy pgjikan:functions/upstream/claim_request to pg
-- requires: functions/queue/claim
-- requires: functions/queue/release
-- requires: functions/queue/fail
-- requires: functions/upstream/reserve_request
-- requires: functions/upstream/request_path

-- A task and its moment at a provider in one round trip and one commit, which need not reach the
-- disk: somebody waits for this request.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.claim_request(worker text, keys text[] DEFAULT '{}')
RETURNS TABLE (
    id bigint,
    task text,
    mal_id integer,
    payload jsonb,
    path text,
    lease_token uuid,
    provider text,
    base_url text,
    key_header text,
    wait interval,
    is_canary boolean,
    is_first boolean,
    is_keyed boolean
)
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_task jikan_sync.claimed_task;
    v_path text;
BEGIN
    LOOP
        SELECT c.* INTO v_task
        FROM jikan_sync.claim(claim_request.worker, 'jikan', keys => claim_request.keys) AS c;
        IF NOT FOUND THEN
            RETURN;
        END IF;
        v_path := jikan_sync.request_path(v_task.task, v_task.mal_id, v_task.payload);
        EXIT WHEN v_path IS NOT NULL;
        PERFORM jikan_sync.fail(
            v_task.id, v_task.lease_token, 'row',
            format('nothing to ask for: %s %s', v_task.dedupe_key, v_task.payload)
        );
    END LOOP;
    RETURN QUERY
    SELECT
        v_task.id,
        v_task.task,
        v_task.mal_id,
        v_task.payload,
        v_path,
        v_task.lease_token,
        r.provider,
        r.base_url,
        r.key_header,
        r.wait,
        r.is_canary,
        r.is_first,
        r.is_keyed
    FROM jikan_sync.reserve_request(
        subject => v_task.dedupe_key, keys => claim_request.keys
    ) AS r;
    IF NOT FOUND THEN
        PERFORM jikan_sync.release(v_task.id, v_task.lease_token);
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.claim_request(text, text[]) IS
'Leases the next task of lane jikan to `worker` and reserves a moment for it at the best provider:
wait as told, ask it for `path` below its base URL, then `jikan_sync.record_response`. `keys` names
the providers for which the worker has a server key; where `is_keyed`, it is to be sent. No row
while there is nothing to do or nobody to ask. Raises: 22023.';

GRANT EXECUTE ON FUNCTION jikan_sync.claim_request(text, text[]) TO jikan_sidecar;

COMMIT;
