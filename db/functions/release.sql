-- Deploy pgjikan:functions/release to pg
-- requires: functions/fail

-- How leases end without a result: a worker that stops gives its tasks back, untouched and in their
-- old place; one that vanished is told by the sweep, and that costs the task an attempt, because a
-- document that kills its worker must come to an end.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.release(task_id bigint, lease_token uuid)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE jikan_sync.queue AS q SET
        payload = coalesce(q.next_payload, q.payload),
        next_payload = NULL,
        ready_at = q.ready_at,  -- named, so that a high task notifies
        is_dirty = false,
        leased_by = NULL,
        lease_token = NULL,
        lease_expires_at = NULL
    WHERE q.id = release.task_id AND q.lease_token = release.lease_token;
    RETURN FOUND;
END;
$$;

COMMENT ON FUNCTION jikan_sync.release(bigint, uuid) IS
'Gives a leased task back undone, in its old place; false: the lease was lost.';

GRANT EXECUTE ON FUNCTION jikan_sync.release(bigint, uuid) TO jikan_sidecar;

CREATE FUNCTION jikan_sync.release_worker(worker text)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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
    WHERE q.leased_by = release_worker.worker;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.release_worker(text) IS
'Gives back all that a worker holds, undone; answers how many. For a worker that stops.';

GRANT EXECUTE ON FUNCTION jikan_sync.release_worker(text) TO jikan_sidecar;

CREATE FUNCTION jikan_sync.sweep_leases()
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_count integer := 0;
    v_task record;
BEGIN
    FOR v_task IN
        SELECT q.id, q.leased_by
        FROM jikan_sync.queue AS q
        WHERE q.lease_expires_at < v_now
        FOR UPDATE SKIP LOCKED
    LOOP
        PERFORM jikan_sync.fail_leased(
            v_task.id, 'lease_expired', 'worker ' || v_task.leased_by || ' vanished', NULL
        );
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.sweep_leases() IS
'Fails the tasks whose lease has run out, as lease_expired; answers how many.';

COMMIT;
