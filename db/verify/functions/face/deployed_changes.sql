-- Verify pgjikan:functions/face/deployed_changes on pg

BEGIN;

DO $$
BEGIN
    ASSERT has_function_privilege('jikan_sidecar', 'jikan_sync.deployed_changes()', 'execute');
    ASSERT has_function_privilege('anime_reader', 'anime.deployed_changes()', 'execute');
    ASSERT NOT has_function_privilege('anime_reader', 'jikan_sync.deployed_changes()', 'execute');
    PERFORM d.change FROM anime.deployed_changes() AS d;
END;
$$;

ROLLBACK;
