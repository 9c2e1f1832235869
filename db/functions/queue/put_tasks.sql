-- Deploy pgjikan:functions/queue/put_tasks to pg
-- requires: schema/queue
-- requires: schema/clock

-- The one statement that writes tasks into the queue. The same thing asked for twice is one task:
-- the second request may raise its priority, bring it forward, or mark a leased one dirty so that
-- it is done once more. A task that waits out a failure keeps its wait, however often it is asked
-- for.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.put_tasks(tasks jikan_sync.new_task[])
RETURNS SETOF bigint
LANGUAGE plpgsql
VOLATILE
ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
BEGIN
    -- In the order of the key, so that two calls wait for each other and never in a circle.
    RETURN QUERY
    INSERT INTO jikan_sync.queue AS q (
        task, anime_id, mal_id, payload, priority, created_at, ready_at, errors
    )
    SELECT
        n.task,
        n.anime_id,
        n.mal_id,
        coalesce(n.payload, '{}'),
        n.priority,
        coalesce(n.created_at, v_now),
        coalesce(n.ready_at, v_now),
        coalesce(n.errors, '[]')
    FROM unnest(tasks) AS n
    ORDER BY jikan_sync.task_key(n.task, n.mal_id, n.anime_id, coalesce(n.payload, '{}'))
    ON CONFLICT (dedupe_key) DO UPDATE SET
        payload = CASE WHEN q.lease_token IS NULL THEN excluded.payload ELSE q.payload END,
        next_payload = CASE WHEN q.lease_token IS NOT NULL THEN excluded.payload END,
        priority = CASE WHEN q.priority = 'high' THEN 'high' ELSE excluded.priority END,
        ready_at = CASE
            WHEN q.failures > 0 THEN q.ready_at
            -- Somebody waits for it from now on, not since it lay among the bulk.
            WHEN excluded.priority = 'high' AND q.priority = 'low'
                THEN least(excluded.ready_at, greatest(q.ready_at, v_now))
            ELSE least(q.ready_at, excluded.ready_at)
        END,
        is_dirty = q.lease_token IS NOT NULL
    WHERE
        excluded.priority = 'high' AND q.priority = 'low'
        OR excluded.ready_at < q.ready_at AND q.failures = 0
        OR q.lease_token IS NOT NULL AND NOT q.is_dirty
        OR coalesce(q.next_payload, q.payload) IS DISTINCT FROM excluded.payload
    RETURNING q.id;
END;
$$;

COMMENT ON FUNCTION jikan_sync.put_tasks(jikan_sync.new_task[]) IS
'Puts tasks into the queue, at most one of a key per call, and answers the ids of those that are new
or changed by it. No cap is looked at here.';

COMMIT;
