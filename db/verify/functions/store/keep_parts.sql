-- Verify pgjikan:functions/store/keep_parts on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.lost_parts_reason() IS NULL OR jikan_sync.losing_titles('-infinity') > 4;
    ASSERT NOT EXISTS (SELECT FROM jikan_sync.keep_parts('{}', '{}', now()));
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.keep_parts(jsonb[], bigint[], timestamptz)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.keep_parts(jsonb[], bigint[], timestamptz)', 'execute'
    );
END;
$$;

ROLLBACK;
