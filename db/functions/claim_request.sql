-- Deploy pgjikan:functions/claim_request to pg
-- requires: functions/claim
-- requires: functions/release
-- requires: functions/reserve_request

-- A task and its moment at a provider in one round trip and one commit, which need not reach the
-- disk: somebody waits for this request.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.claim_request(worker text)
RETURNS TABLE (
    id bigint,
    task text,
    mal_id integer,
    payload jsonb,
    lease_token uuid,
    provider text,
    base_url text,
    key_header text,
    wait interval,
    is_canary boolean,
    is_first boolean
)
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_task jikan_sync.claimed_task;
BEGIN
    SELECT c.* INTO v_task FROM jikan_sync.claim(claim_request.worker, 'jikan') AS c;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT
        v_task.id,
        v_task.task,
        v_task.mal_id,
        v_task.payload,
        v_task.lease_token,
        r.provider,
        r.base_url,
        r.key_header,
        r.wait,
        r.is_canary,
        r.is_first
    FROM jikan_sync.reserve_request(subject => v_task.dedupe_key) AS r;
    IF NOT FOUND THEN
        PERFORM jikan_sync.release(v_task.id, v_task.lease_token);
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.claim_request(text) IS
'Leases the next task of lane jikan to `worker` and reserves a moment for it at the best provider:
wait as told, ask, then `jikan_sync.record_response`. No row while there is nothing to do or nobody
to ask. Raises: 22023.';

GRANT EXECUTE ON FUNCTION jikan_sync.claim_request(text) TO jikan_sidecar;

COMMIT;
