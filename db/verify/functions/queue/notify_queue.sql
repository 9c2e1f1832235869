-- Verify pgjikan:functions/queue/notify_queue on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT (
        SELECT count(*) = 2
        FROM pg_catalog.pg_trigger
        WHERE tgrelid = 'jikan_sync.queue'::regclass AND tgname LIKE 'notify\_%'
    );
END;
$$;

ROLLBACK;
