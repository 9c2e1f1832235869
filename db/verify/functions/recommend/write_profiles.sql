-- Verify pgjikan:functions/recommend/write_profiles on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT EXISTS (
        SELECT FROM pg_catalog.pg_trigger WHERE tgname = 'write_profiles_of_new' AND tgrelid = 'jikan.anime'::regclass
    );
    ASSERT EXISTS (
        SELECT FROM pg_catalog.pg_trigger WHERE tgname = 'write_profiles_of_changed' AND tgrelid = 'jikan.anime'::regclass
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.write_profiles(bigint[])',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.write_profiles(bigint[])',
        'execute'
    );
END;
$$;

ROLLBACK;
