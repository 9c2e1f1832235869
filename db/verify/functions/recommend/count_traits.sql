-- Verify pgjikan:functions/recommend/count_traits on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.count_traits(integer)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.count_traits(integer)',
        'execute'
    );
END;
$$;

ROLLBACK;
