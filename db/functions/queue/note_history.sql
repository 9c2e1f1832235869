-- Deploy pgjikan:functions/queue/note_history to pg
-- requires: schema/queue
-- requires: schema/clock

-- What became of a try, for people: one place writes it.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.note_history(
    tasks jikan_sync.queue[],
    outcome text,
    error_class text DEFAULT NULL,
    message text DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO jikan_sync.queue_history (
        task_id, task, mal_id, payload, priority, created_at, processed_at, outcome, error_class,
        message, worker
    )
    SELECT
        t.id,
        t.task,
        t.mal_id,
        t.payload,
        t.priority,
        t.created_at,
        jikan_sync.clock_now(),
        note_history.outcome,
        note_history.error_class,
        left(note_history.message, 1000),
        t.leased_by
    FROM unnest(tasks) AS t;
END;
$$;

COMMENT ON FUNCTION jikan_sync.note_history(jikan_sync.queue[], text, text, text) IS
'Writes the end of a try of each task into the history: `outcome` done, failed or dead, with the
class and message of the failure.';

COMMIT;
