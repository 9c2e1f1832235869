-- Verify pgjikan:schema/anime_document on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    -- Every field of the row type has its JSON types stated.
    ASSERT NOT EXISTS (
        SELECT FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = 'jikan_sync.anime_document'::regclass
            AND NOT EXISTS (
                SELECT FROM jikan_sync.document_field AS f WHERE f.name = a.attname
            )
    );
END;
$$;

ROLLBACK;
