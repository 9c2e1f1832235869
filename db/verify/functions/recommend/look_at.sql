-- Verify pgjikan:functions/recommend/look_at on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.known_neighbours(bigint[])',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.known_neighbours(bigint[])',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.look_at(jikan_sync.known_neighbour[], real[], bigint[], boolean)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.look_at(jikan_sync.known_neighbour[], real[], bigint[], boolean)',
        'execute'
    );
END;
$$;

ROLLBACK;
