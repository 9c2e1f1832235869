-- Verify pgjikan:schema/extensions on pg

BEGIN;

DO $$
BEGIN
    ASSERT (SELECT count(*) = 3 FROM pg_catalog.pg_extension
            WHERE extname IN ('vector', 'pg_trgm', 'unaccent')),
        'an extension is missing';
    ASSERT '[1,2]'::halfvec IS NOT NULL, 'pgvector is too old: halfvec needs 0.7';
END;
$$;

ROLLBACK;
