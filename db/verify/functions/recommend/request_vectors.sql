-- Verify pgjikan:functions/recommend/request_vectors on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.request_vectors(integer[])',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.request_vectors(integer[])',
        'execute'
    );
END;
$$;

ROLLBACK;
