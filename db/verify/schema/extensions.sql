-- Verify pgjikan:schema/extensions on pg

BEGIN;

DO $$
BEGIN
    ASSERT (SELECT count(*) = 2 AND bool_and(has_schema_privilege('jikan_owner', extnamespace, 'USAGE'))
            FROM pg_catalog.pg_extension
            WHERE extname IN ('vector', 'pg_trgm')),
        'an extension is missing, or out of the owner''s reach';
    ASSERT '[1,2]'::halfvec IS NOT NULL, 'pgvector is too old: halfvec needs 0.7';
END;
$$;

ROLLBACK;
