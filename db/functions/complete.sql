-- Deploy pgjikan:functions/complete to pg
-- requires: schema/queue
-- requires: schema/clock

-- How a task ends well: it leaves the queue and its copy enters the history, in one statement, and
-- only for the worker that still holds the lease. One that was asked for again meanwhile goes back.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.complete_many(task_ids bigint[], lease_tokens uuid[])
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_done integer;
    v_again integer := 0;
BEGIN
    WITH done AS (
        DELETE FROM jikan_sync.queue AS q
        USING unnest(task_ids, lease_tokens) AS held (id, token)
        WHERE q.id = held.id AND q.lease_token = held.token AND NOT q.is_dirty
        RETURNING q.*
    )

    INSERT INTO jikan_sync.queue_history (
        task_id, task, mal_id, payload, priority, created_at, processed_at, outcome, worker
    )
    SELECT
        d.id,
        d.task,
        d.mal_id,
        d.payload,
        d.priority,
        d.created_at,
        v_now,
        'done',
        d.leased_by
    FROM done AS d;
    GET DIAGNOSTICS v_done = ROW_COUNT;

    IF v_done < cardinality(task_ids) THEN
        WITH dirty AS MATERIALIZED (
            SELECT q.*
            FROM jikan_sync.queue AS q
            INNER JOIN unnest(task_ids, lease_tokens) AS held (id, token)
                ON q.id = held.id AND q.lease_token = held.token
            WHERE q.is_dirty
            FOR UPDATE OF q
        ),

        again AS (
            UPDATE jikan_sync.queue AS q SET
                payload = coalesce(q.next_payload, q.payload),
                next_payload = NULL,
                created_at = v_now,
                ready_at = v_now,
                attempts = 0,
                failures = 0,
                errors = '[]',
                is_dirty = false,
                leased_by = NULL,
                lease_token = NULL,
                lease_expires_at = NULL
            FROM dirty
            WHERE q.id = dirty.id
        )

        INSERT INTO jikan_sync.queue_history (
            task_id, task, mal_id, payload, priority, created_at, processed_at, outcome, worker
        )
        SELECT
            d.id,
            d.task,
            d.mal_id,
            d.payload,
            d.priority,
            d.created_at,
            v_now,
            'done',
            d.leased_by
        FROM dirty AS d;
        GET DIAGNOSTICS v_again = ROW_COUNT;
    END IF;
    RETURN v_done + v_again;
END;
$$;

COMMENT ON FUNCTION jikan_sync.complete_many(bigint[], uuid[]) IS
'Finishes leased tasks, each with its lease token; answers how many were still held. A task that was
asked for again while leased goes back to the queue.';

GRANT EXECUTE ON FUNCTION jikan_sync.complete_many(bigint[], uuid[]) TO jikan_sidecar;

CREATE FUNCTION jikan_sync.complete(task_id bigint, lease_token uuid)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN jikan_sync.complete_many(ARRAY[task_id], ARRAY[lease_token]) = 1;
END;
$$;

COMMENT ON FUNCTION jikan_sync.complete(bigint, uuid) IS
'Finishes a leased task; false: the lease was lost, and whoever has the task now will finish it.';

GRANT EXECUTE ON FUNCTION jikan_sync.complete(bigint, uuid) TO jikan_sidecar;

COMMIT;
