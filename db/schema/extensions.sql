-- Deploy pgjikan:schema/extensions to pg
-- requires: schema/roles

-- pgvector, pg_trgm and unaccent, wherever the database already has them. vector is not a trusted
-- extension: on a server where it is missing, a superuser creates it once.

BEGIN;

DO $$
DECLARE
    v_extension text;
BEGIN
    FOREACH v_extension IN ARRAY ARRAY['vector', 'pg_trgm', 'unaccent'] LOOP
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
END;
$$;

COMMIT;
