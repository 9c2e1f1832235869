-- Verify pgjikan:functions/v4/errors on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_error(integer, text, text, text)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_no_route()', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_invalid(jsonb)', 'execute'
    );
END;
$$;

ROLLBACK;
