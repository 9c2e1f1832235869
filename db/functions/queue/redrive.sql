-- Deploy pgjikan:functions/queue/redrive to pg
-- requires: functions/queue/put_tasks
-- requires: functions/freshness/ledger
-- requires: schema/sync_run

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
    v_gone jikan_sync.dead_letter[];
BEGIN
    WITH gone AS (
        DELETE FROM jikan_sync.dead_letter AS d
        WHERE
            (redrive.ids IS NULL OR d.id = any(redrive.ids))
            AND (redrive.task IS NULL OR d.task = redrive.task)
        RETURNING d AS letter
    )

    SELECT coalesce(array_agg(g.letter), '{}') INTO v_gone FROM gone AS g;

    PERFORM jikan_sync.forget_answer(coalesce(g.payload ->> 'facet', 'core'), g.mal_id)
    FROM unnest(v_gone) AS g
    WHERE g.task IN ('anime', 'facet')
    ORDER BY g.mal_id;

    PERFORM FROM jikan_sync.put_tasks(
        ARRAY(
            SELECT
                ROW(
                    g.task, g.anime_id, g.mal_id, g.payload, g.priority, NULL, g.created_at, g.errors
                )::jikan_sync.new_task
            FROM unnest(v_gone) AS g
        )
    );

    UPDATE jikan_sync.sync_run AS r SET
        state = 'running',
        stalled_at = NULL
    FROM unnest(v_gone) AS g
    WHERE r.id = (g.payload ->> 'run_id')::bigint
        AND r.state = 'stalled';
    RETURN cardinality(v_gone);
END;
$$;

COMMENT ON FUNCTION jikan_sync.redrive(bigint[], text) IS
'Puts dead letters back into the queue with all their attempts, keeping their history: those with
these `ids`, of this `task`, or all; answers how many.';

COMMIT;
