-- Deploy pgjikan:functions/queue/give_back to pg
-- requires: schema/queue

-- The end of a lease for a task that stays in the queue, whatever ended it.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.give_back(task_ids bigint[], lease_tokens uuid[])
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
    v_count integer;
BEGIN
    UPDATE jikan_sync.queue AS q SET
        payload = coalesce(q.next_payload, q.payload),
        next_payload = NULL,
        ready_at = q.ready_at,  -- named, so that a high task notifies
        is_dirty = false,
        leased_by = NULL,
        lease_token = NULL,
        lease_expires_at = NULL
    FROM unnest(task_ids, lease_tokens) AS held (id, token)
    WHERE q.id = held.id
        AND q.lease_token = held.token;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.give_back(bigint[], uuid[]) IS
'Ends leases of tasks that stay in the queue, in their place and with what they were asked for
meanwhile; answers how many were still held.';

COMMIT;
