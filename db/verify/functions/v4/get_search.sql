-- Verify pgjikan:functions/v4/get_search on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.search_matches(text)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_search(jikan_sync.v4_request, jikan_sync.v4_filter)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_get_search(jikan_sync.v4_request)', 'execute'
    );
END;
$$;

ROLLBACK;
