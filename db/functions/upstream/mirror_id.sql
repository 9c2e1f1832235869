-- Deploy pgjikan:functions/upstream/mirror_id to pg
-- requires: schema/namespaces

-- Who asks, told to upstreams: a gateway over this very database must not be its own upstream, or
-- what is stale would be stored as fresh.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.mirror_id()
RETURNS text
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT md5(c.system_identifier::text || ' ' || current_database())
    FROM pg_control_system() AS c;
END;

COMMENT ON FUNCTION jikan_sync.mirror_id() IS
'A name of this database and its standbys among all; requests upstream carry it as Pgjikan-Mirror.';

GRANT EXECUTE ON FUNCTION jikan_sync.mirror_id() TO jikan_sidecar;

COMMIT;
