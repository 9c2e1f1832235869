-- Verify pgjikan:functions/recommend/nearest on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.nearest(halfvec, integer, jikan_sync.face_filter)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.nearest(halfvec, integer, jikan_sync.face_filter)',
        'execute'
    );
END;
$$;

ROLLBACK;
