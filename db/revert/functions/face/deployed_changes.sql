-- Revert pgjikan:functions/face/deployed_changes from pg

BEGIN;

DROP FUNCTION anime.deployed_changes();
DROP FUNCTION jikan_sync.deployed_changes();

DO $$
DECLARE
    v_schema text;
BEGIN
    FOR v_schema IN
        SELECT n.nspname
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE
            c.relname = 'changes'
            AND c.relkind = 'r'
            AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
            AND pg_catalog.pg_has_role(n.nspowner, 'USAGE')
            AND pg_catalog.has_any_column_privilege('jikan_owner', c.oid, 'SELECT')
    LOOP
        EXECUTE format(
            'REVOKE SELECT (project, change_id, change, script_hash, committed_at) '
            'ON %I.changes FROM jikan_owner',
            v_schema
        );
        EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM jikan_owner', v_schema);
    END LOOP;
END;
$$;

COMMIT;
