-- Revert pgjikan:functions/queue/notify_queue from pg

BEGIN;

DROP TRIGGER notify_updated ON jikan_sync.queue;
DROP TRIGGER notify_inserted ON jikan_sync.queue;
DROP FUNCTION jikan_sync.tg_notify_queue();

COMMIT;
