-- Deploy pgjikan:functions/face/deployed_changes to pg
-- requires: schema/namespaces

-- So that sidecars and gateways can tell at their start whether this is the schema that they were
-- made for. The truth is sqitch's registry, which belongs to the login that deploys: that login
-- lets jikan_owner read these columns. Where the registry is somebody else's, nothing is told.

BEGIN;

DO $$
DECLARE
    v_schema text;
    v_at timestamptz;
    v_registry text;
    v_newest timestamptz;
    v_source text := 'SELECT NULL, NULL, NULL WHERE false';
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
            -- Only of who may act as the owner anyhow: reading a table can run its policies.
            AND pg_catalog.pg_has_role(c.relowner, 'jikan_owner', 'MEMBER')
            AND pg_catalog.pg_has_role(n.nspowner, 'jikan_owner', 'MEMBER')
            AND (
                SELECT count(*) = 5 FROM pg_catalog.pg_attribute AS a
                WHERE
                    a.attrelid = c.oid
                    AND a.attname IN ('project', 'change_id', 'change', 'script_hash', 'committed_at')
            )
    LOOP
        EXECUTE format(
            'SELECT max(c.committed_at) FROM %I.changes AS c WHERE c.project = %L',
            v_schema, 'pgjikan'
        ) INTO v_at;
        IF v_at > coalesce(v_newest, '-infinity') THEN
            v_registry := v_schema;
            v_newest := v_at;
        END IF;
    END LOOP;

    IF v_registry IS NOT NULL THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO jikan_owner', v_registry);
        EXECUTE format(
            'GRANT SELECT (project, change_id, change, script_hash, committed_at) '
            'ON %I.changes TO jikan_owner',
            v_registry
        );
        v_source := format(
            'SELECT c.change_id, c.change, c.script_hash FROM %I.changes AS c '
            'WHERE c.project = %L ORDER BY c.committed_at',
            v_registry, 'pgjikan'
        );
    END IF;

    SET LOCAL ROLE jikan_owner;
    EXECUTE format(
        $create$
        CREATE FUNCTION jikan_sync.deployed_changes()
        RETURNS TABLE (change_id text, change text, script_hash text)
        LANGUAGE plpgsql
        STABLE
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS %L
        $create$,
        format(E'\nBEGIN\n    RETURN QUERY %s;\nEND;\n', v_source)
    );
END;
$$;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION anime.deployed_changes()
RETURNS TABLE (change_id text, change text, script_hash text)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT
        d.change_id,
        d.change,
        d.script_hash
    FROM jikan_sync.deployed_changes() AS d;
END;

COMMENT ON FUNCTION jikan_sync.deployed_changes() IS
'The deployed changes of this schema with the hashes of their scripts, oldest first, for a sidecar
that compares them with its own; no row where the registry belongs to somebody else.';
COMMENT ON FUNCTION anime.deployed_changes() IS
'The deployed changes of this schema with the hashes of their scripts, oldest first, for an app or
gateway that compares them with its own; no row where the registry belongs to somebody else.';

GRANT EXECUTE ON FUNCTION jikan_sync.deployed_changes() TO jikan_sidecar;
GRANT EXECUTE ON FUNCTION anime.deployed_changes() TO anime_reader;

COMMIT;
