-- Verify pgjikan:functions/recommend/refresh_neighbours on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.write_neighbours(bigint[])',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.write_neighbours(bigint[])',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.refresh_neighbours(integer)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.refresh_neighbours(integer)',
        'execute'
    );
    ASSERT (
        SELECT count(*) = 2
        FROM jikan_sync.setting AS s
        WHERE s.name IN ('neighbour_refresh_limit',
        'neighbour_max_age')
    );
END;
$$;

ROLLBACK;
