-- Deploy pgjikan:functions/redrive to pg
-- requires: schema/queue
-- requires: schema/clock

-- The way back from the dead letters, once an operator has mended the cause.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.redrive(ids bigint[] DEFAULT NULL, task text DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_count integer;
BEGIN
    WITH gone AS (
        DELETE FROM jikan_sync.dead_letter AS d
        WHERE
            (redrive.ids IS NULL OR d.id = any(redrive.ids))
            AND (redrive.task IS NULL OR d.task = redrive.task)
        RETURNING d.*
    )

    INSERT INTO jikan_sync.queue AS q (
        task, anime_id, mal_id, payload, priority, created_at, ready_at, errors
    )
    SELECT g.task, g.anime_id, g.mal_id, g.payload, g.priority, g.created_at, v_now, g.errors
    FROM gone AS g
    ORDER BY g.dedupe_key
    ON CONFLICT (dedupe_key) DO UPDATE SET
        priority = CASE WHEN q.priority = 'high' THEN 'high' ELSE excluded.priority END,
        ready_at = least(q.ready_at, excluded.ready_at);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.redrive(bigint[], text) IS
'Puts dead letters back into the queue with all their attempts, keeping their history: those with
these `ids`, of this `task`, or all; answers how many.';

COMMIT;
