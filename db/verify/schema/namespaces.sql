-- Verify pgjikan:schema/namespaces on pg

BEGIN;

DO $$
BEGIN
    ASSERT has_schema_privilege('anime_reader', 'anime', 'usage');
    ASSERT NOT has_schema_privilege('anime_reader', 'jikan_sync', 'usage');
    ASSERT NOT has_schema_privilege('anime_reader', 'jikan', 'usage');
    ASSERT has_schema_privilege('jikan_sidecar', 'jikan_sync', 'usage');
    ASSERT NOT has_schema_privilege('jikan_sidecar', 'jikan', 'usage');
END;
$$;

ROLLBACK;
