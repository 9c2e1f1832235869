-- Verify pgjikan:functions/queue/give_back on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege('anime_reader', 'jikan_sync.give_back(bigint[], uuid[])', 'execute');
    ASSERT NOT has_function_privilege('jikan_sidecar', 'jikan_sync.give_back(bigint[], uuid[])', 'execute');
END;
$$;

ROLLBACK;
