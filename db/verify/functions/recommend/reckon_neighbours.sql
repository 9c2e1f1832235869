-- Verify pgjikan:functions/recommend/reckon_neighbours on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.reckon_neighbours(bigint[])',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.reckon_neighbours(bigint[])',
        'execute'
    );
END;
$$;

ROLLBACK;
