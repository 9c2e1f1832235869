-- Deploy pgjikan:functions/queue/complete to pg
-- requires: functions/queue/note_history
-- requires: functions/queue/give_back

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
SET jit = off
AS $$
DECLARE
    v_done jikan_sync.queue[];
    v_dirty jikan_sync.queue[] := '{}';
    v_now timestamptz;
BEGIN
    WITH done AS (
        DELETE FROM jikan_sync.queue AS q
        USING unnest(task_ids, lease_tokens) AS held (id, token)
        WHERE q.id = held.id AND q.lease_token = held.token AND NOT q.is_dirty
        RETURNING q AS task
    )

    SELECT coalesce(array_agg(d.task), '{}') INTO v_done FROM done AS d;

    IF cardinality(v_done) < cardinality(task_ids) THEN
        SELECT coalesce(array_agg(q), '{}') INTO v_dirty
        FROM (
            SELECT q.*
            FROM jikan_sync.queue AS q
            INNER JOIN unnest(task_ids, lease_tokens) AS held (id, token)
                ON q.id = held.id AND q.lease_token = held.token
            WHERE q.is_dirty
            FOR UPDATE OF q
        ) AS q;
        IF v_dirty <> '{}' THEN
            v_now := jikan_sync.clock_now();
            UPDATE jikan_sync.queue AS q SET
                created_at = v_now,
                ready_at = v_now,
                attempts = 0,
                failures = 0,
                errors = '[]'
            WHERE q.id IN (SELECT d.id FROM unnest(v_dirty) AS d);
            PERFORM jikan_sync.give_back(task_ids, lease_tokens);
        END IF;
    END IF;
    PERFORM jikan_sync.note_history(v_done || v_dirty, 'done');
    RETURN cardinality(v_done) + cardinality(v_dirty);
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
