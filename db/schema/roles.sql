-- Deploy pgjikan:schema/roles to pg

-- Three NOLOGIN roles: the owner of every object, the sidecar, and the apps that read. Roles belong
-- to the cluster, so they are created only where missing and never dropped by a revert.

BEGIN;

DO $$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['jikan_owner', 'jikan_sidecar', 'anime_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = v_role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN
                    NULL;  -- a deploy into another database of this cluster was faster
                WHEN insufficient_privilege THEN
                    RAISE EXCEPTION USING
                        ERRCODE = 'insufficient_privilege',
                        MESSAGE = format('role "%s" is missing and %s may not create it',
                                         v_role, current_user),
                        HINT = format('As a superuser: CREATE ROLE jikan_owner NOLOGIN; CREATE ROLE '
                                      'jikan_sidecar NOLOGIN; CREATE ROLE anime_reader NOLOGIN; GRANT '
                                      'jikan_owner TO %I; or give %I CREATEROLE.',
                                      current_user, current_user);
            END;
        END IF;
    END LOOP;

    -- Scripts SET ROLE jikan_owner, so that it owns all it should whoever deploys.
    IF NOT pg_catalog.pg_has_role(current_user, 'jikan_owner', 'SET') THEN
        BEGIN
            EXECUTE format('GRANT jikan_owner TO %I WITH SET TRUE, INHERIT TRUE', current_user);
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION USING
                    ERRCODE = 'insufficient_privilege',
                    MESSAGE = format('%s is no member of role "jikan_owner" and may not become one',
                                     current_user),
                    HINT = format('As a superuser, or as who made the role: GRANT jikan_owner TO %I '
                                  'WITH SET TRUE, INHERIT TRUE;', current_user);
        END;
    END IF;

    EXECUTE format('GRANT CREATE ON DATABASE %I TO jikan_owner', current_database());

    -- Who made the roles may comment on them; that another deploys is no fault.
    BEGIN
        COMMENT ON ROLE jikan_owner IS 'Owns every object of pgjikan; nobody logs in as it.';
        COMMENT ON ROLE jikan_sidecar IS 'May call the entry points that a pgjikan sidecar needs.';
        COMMENT ON ROLE anime_reader IS 'May call the functions and read the views of schema anime.';
    EXCEPTION
        WHEN insufficient_privilege THEN
            NULL;
    END;
END;
$$;

COMMIT;
