-- Deploy pgjikan:functions/queue/release to pg
-- requires: functions/queue/fail
-- requires: functions/queue/fold_wishes

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
    RETURN jikan_sync.give_back(ARRAY[task_id], ARRAY[lease_token]) = 1;
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
-- Through the lease to each task by its key, however many tasks there are.
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
    v_count integer;
BEGIN
    WITH gone AS (
        DELETE FROM jikan_sync.lease AS l
        WHERE l.worker = release_worker.worker
        RETURNING l.token, l.task_ids
    )

    SELECT jikan_sync.give_back(array_agg(t.id), array_agg(g.token)) INTO v_count
    FROM gone AS g
    CROSS JOIN LATERAL unnest(g.task_ids) AS t (id);
    RETURN coalesce(v_count, 0);
END;
$$;

COMMENT ON FUNCTION jikan_sync.release_worker(text) IS
'Gives back all that a worker holds, undone; answers how many. For a worker that stops.';

GRANT EXECUTE ON FUNCTION jikan_sync.release_worker(text) TO jikan_sidecar;

CREATE FUNCTION jikan_sync.expired_tasks()
RETURNS TABLE (id bigint, lease_token uuid, leased_by text)
LANGUAGE plpgsql
VOLATILE
ROWS 10
SET search_path = pg_catalog, pg_temp
-- Through the lease to each task by its key, however many tasks there are.
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
BEGIN
    RETURN QUERY
    WITH expired AS MATERIALIZED (
        SELECT
            q.id,
            l.token,
            q.mal_id,
            CASE WHEN q.task IN ('anime', 'facet') THEN coalesce(q.payload ->> 'facet', 'core') END
                AS facet
        FROM jikan_sync.lease AS l
        CROSS JOIN LATERAL unnest(l.task_ids) AS t (id)
        INNER JOIN jikan_sync.queue AS q ON q.id = t.id AND q.lease_token = l.token
        WHERE q.lease_expires_at < v_now
    ),

    answered AS MATERIALIZED (
        SELECT o.mal_id, o.facet
        FROM jikan_sync.ledger AS o
        INNER JOIN expired AS e ON e.mal_id = o.mal_id AND e.facet = o.facet
        FOR UPDATE OF o SKIP LOCKED
    )

    SELECT q.id, q.lease_token, q.leased_by
    FROM expired AS e
    INNER JOIN jikan_sync.queue AS q ON q.id = e.id AND q.lease_token = e.token
    WHERE q.lease_expires_at < v_now
        AND (
            (e.mal_id, e.facet) IN (SELECT a.mal_id, a.facet FROM answered AS a)
            OR NOT EXISTS (
                SELECT
                FROM jikan_sync.ledger AS o
                WHERE o.mal_id = e.mal_id AND o.facet = e.facet
            )
        )
    ORDER BY q.id
    FOR UPDATE OF q SKIP LOCKED;
END;
$$;

COMMENT ON FUNCTION jikan_sync.expired_tasks() IS
'The tasks whose lease has run out, locked with their row of the ledger. What anyone holds is left
out: a sweep locks many rows in one transaction, and must wait for none of them.';

CREATE FUNCTION jikan_sync.sweep_leases()
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_count integer := 0;
    v_task record;
BEGIN
    PERFORM jikan_sync.fold_wishes();  -- where no sidecar claims, they must not pile up
    FOR v_task IN SELECT t.* FROM jikan_sync.expired_tasks() AS t LOOP
        IF jikan_sync.fail(
            v_task.id, v_task.lease_token, 'lease_expired',
            'worker ' || v_task.leased_by || ' vanished'
        ) <> 'lost' THEN
            v_count := v_count + 1;
        END IF;
    END LOOP;

    DELETE FROM jikan_sync.lease AS l
    WHERE NOT EXISTS (
        SELECT
        FROM unnest(l.task_ids) AS t (id)
        INNER JOIN jikan_sync.queue AS q ON q.id = t.id AND q.lease_token = l.token
    );
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.sweep_leases() IS
'Fails the tasks whose lease has run out, as lease_expired, and forgets claims of which nothing is
left; answers how many tasks failed. What another session holds is left to the next sweep.';

COMMIT;
