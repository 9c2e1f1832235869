-- Verify pgjikan:functions/upstream/mirror_id on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.mirror_id() ~ '^[0-9a-f]{32}$';
    ASSERT has_function_privilege('jikan_sidecar', 'jikan_sync.mirror_id()', 'execute');
    ASSERT NOT has_function_privilege('anime_reader', 'jikan_sync.mirror_id()', 'execute');
END;
$$;

ROLLBACK;
