-- Verify pgjikan:functions/search_limit on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.search_allowance() > 0;
    ASSERT NOT has_function_privilege('anime_reader', 'jikan_sync.search_priority()', 'execute');
    ASSERT NOT has_function_privilege('jikan_sidecar', 'jikan_sync.enter_search()', 'execute');
END;
$$;

ROLLBACK;
