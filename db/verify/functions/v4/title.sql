-- Verify pgjikan:functions/v4/title on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_missing(bigint, text, boolean)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_find_title(jikan_sync.v4_request)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_part(jikan_sync.v4_request, jikan_sync.v4_title, text)', 'execute'
    );
END;
$$;

ROLLBACK;
