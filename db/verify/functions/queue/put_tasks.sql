-- Verify pgjikan:functions/queue/put_tasks on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege('anime_reader', 'jikan_sync.put_tasks(jikan_sync.new_task[])', 'execute');
    ASSERT NOT has_function_privilege('jikan_sidecar', 'jikan_sync.put_tasks(jikan_sync.new_task[])', 'execute');
END;
$$;

ROLLBACK;
