-- Deploy pgjikan:functions/queue/notify_queue to pg
-- requires: schema/queue
-- requires: schema/clock

-- Wakes the sidecar when, and only when, a high task became ready: a commit that notifies takes a
-- lock of the whole cluster, so bulk never does. The row is the truth, the notification a hint.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.tg_notify_queue()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_LEVEL = 'STATEMENT' THEN
        IF NOT EXISTS (
            SELECT FROM new_row AS n
            WHERE
                n.priority = 'high'
                AND n.lease_token IS NULL
                AND n.ready_at <= (SELECT jikan_sync.clock_now())
        ) THEN
            RETURN NULL;
        END IF;
    END IF;
    PERFORM pg_notify('jikan_sync', '');
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_notify_queue() IS
'Notifies channel `jikan_sync` (empty payload) that a high task is ready.';

CREATE TRIGGER notify_inserted
AFTER INSERT ON jikan_sync.queue
REFERENCING NEW TABLE AS new_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_notify_queue();

-- Claims and completions must not pay for this, and a trigger with a transition table cannot name
-- columns; the WHEN makes it fire for the one row that is worth a notification.
CREATE TRIGGER notify_updated
AFTER UPDATE OF priority, ready_at ON jikan_sync.queue
FOR EACH ROW
WHEN (
    new.priority = 'high'
    AND new.lease_token IS NULL
    AND new.ready_at <= jikan_sync.clock_now()
)
EXECUTE FUNCTION jikan_sync.tg_notify_queue();

COMMIT;
