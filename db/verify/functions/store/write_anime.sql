-- Verify pgjikan:functions/store/write_anime on pg

BEGIN;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.confirmation_step()', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.confirmation_step()', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.write_anime(jsonb[], bigint[], boolean, timestamptz)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.write_anime(jsonb[], bigint[], boolean, timestamptz)', 'execute'
    );
END;
$$;

ROLLBACK;
