-- Verify pgjikan:schema/facet on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT (SELECT f.path = '/anime/{id}/full' FROM jikan_sync.facet AS f WHERE f.name = 'core');
    BEGIN
        UPDATE jikan_sync.facet AS f SET store = 'jikan_sync.no_such' WHERE f.name = 'news';
        ASSERT false, 'a facet took a store function that is not there';
    EXCEPTION
        WHEN invalid_parameter_value THEN NULL;
    END;
    ASSERT NOT has_table_privilege('jikan_sidecar', 'jikan_sync.facet', 'select');
END;
$$;

ROLLBACK;
