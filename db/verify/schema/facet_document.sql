-- Verify pgjikan:schema/facet_document on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    PERFORM anime_id, facet, page, body, pagination, hash FROM jikan.facet_document WHERE FALSE;
    ASSERT NOT has_table_privilege('anime_reader', 'jikan.facet_document', 'select');
END;
$$;

ROLLBACK;
