-- Revert pgjikan:functions/queue/put_tasks from pg

BEGIN;

DROP FUNCTION jikan_sync.put_tasks(jikan_sync.new_task[]);

COMMIT;
