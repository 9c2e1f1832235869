-- Deploy pgjikan:schema/extensions to pg
-- requires: schema/roles

-- pgvector and pg_trgm, in whatever schema the database already has them. vector is not a trusted
-- extension: on a server where it is missing, a superuser creates it once. The owner's functions
-- name their types and operators, so the owner must be let into that schema.

BEGIN;

DO $$
DECLARE
    v_extension text;
    v_schema text;
BEGIN
    FOREACH v_extension IN ARRAY ARRAY['vector', 'pg_trgm'] LOOP
        IF EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = v_extension) THEN
            CONTINUE;
        END IF;
        BEGIN
            EXECUTE format('CREATE EXTENSION %I', v_extension);
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION USING
                    ERRCODE = 'insufficient_privilege',
                    MESSAGE = format('extension "%s" is missing and %s may not create it',
                                     v_extension, current_user),
                    HINT = format('As a superuser, in database %I: CREATE EXTENSION %I;',
                                  current_database(), v_extension);
            WHEN undefined_file OR feature_not_supported THEN
                RAISE EXCEPTION USING
                    ERRCODE = 'feature_not_supported',
                    MESSAGE = format('the server has no extension "%s"', v_extension),
                    HINT = 'Install it on the server (Debian: postgresql-NN-pgvector, '
                           'postgresql-contrib) and deploy again.';
        END;
    END LOOP;

    FOR v_extension, v_schema IN
        SELECT
            e.extname,
            n.nspname
        FROM pg_catalog.pg_extension AS e
        JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname IN ('vector', 'pg_trgm')
    LOOP
        IF NOT has_schema_privilege('jikan_owner', v_schema, 'USAGE') THEN
            BEGIN
                EXECUTE format('GRANT USAGE ON SCHEMA %I TO jikan_owner', v_schema);
            EXCEPTION
                WHEN insufficient_privilege THEN
                    NULL;  -- told below, as where the grant was without effect
            END;
        END IF;
        IF NOT has_schema_privilege('jikan_owner', v_schema, 'USAGE') THEN
            RAISE EXCEPTION USING
                ERRCODE = 'insufficient_privilege',
                MESSAGE = format('jikan_owner may not use schema "%s", where extension "%s" is',
                                 v_schema, v_extension),
                HINT = format('As the schema''s owner: GRANT USAGE ON SCHEMA %I TO jikan_owner, %I;',
                              v_schema, current_user);
        END IF;
        IF NOT v_schema = ANY (current_schemas(true)) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('extension "%s" is in schema "%s", where %s does not look for it',
                                 v_extension, v_schema, current_user),
                HINT = format('GRANT USAGE ON SCHEMA %I TO %I; pgjikan deploy then finds it by '
                              'itself, sqitch with PGOPTIONS=''-c search_path=public,%s''.',
                              v_schema, current_user, v_schema);
        END IF;
    END LOOP;
END;
$$;

COMMIT;
