-- Verify pgjikan:functions/store/write_full on pg

BEGIN;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.write_relations(jsonb[], bigint[])', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.write_relations(jsonb[], bigint[])', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.write_full(jsonb[], bigint[], timestamptz)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.write_full(jsonb[], bigint[], timestamptz)', 'execute'
    );
END;
$$;

ROLLBACK;
