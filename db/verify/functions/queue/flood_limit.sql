-- Verify pgjikan:functions/queue/flood_limit on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege('anime_reader', 'jikan_sync.flood_limit(text, bigint, text)', 'execute');
    ASSERT NOT has_function_privilege('jikan_sidecar', 'jikan_sync.flood_limit(text, bigint, text)', 'execute');
END;
$$;

ROLLBACK;
