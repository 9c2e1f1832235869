-- Verify pgjikan:functions/v4/get_anime on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege(
        'jikan_owner', 'jikan_sync.v4_get_anime(jikan_sync.v4_request)', 'execute'
    );
END;
$$;

ROLLBACK;
