-- Revert pgjikan:schema/extensions from pg

-- The extensions stay: others in this database may use them.

BEGIN;

DO $$
DECLARE
    v_schema text;
BEGIN
    FOR v_schema IN
        SELECT DISTINCT n.nspname
        FROM pg_catalog.pg_extension AS e
        JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
        CROSS JOIN pg_catalog.aclexplode(n.nspacl) AS a
        WHERE
            e.extname IN ('vector', 'pg_trgm')
            AND a.grantee = 'jikan_owner'::regrole
            AND pg_catalog.pg_has_role(a.grantor, 'USAGE')
    LOOP
        EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM jikan_owner', v_schema);
    END LOOP;
END;
$$;

COMMIT;
