-- Verify pgjikan:functions/v4/validate on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_find_route(text)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_message(text, jikan_sync.v4_parameter, text, text)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_read_value(jikan_sync.v4_parameter, text)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_validate(jikan_sync.v4_route, text, jsonb)', 'execute'
    );
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_validate_search(jsonb)', 'execute'
    );
END;
$$;

ROLLBACK;
