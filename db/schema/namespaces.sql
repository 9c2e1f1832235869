-- Deploy pgjikan:schema/namespaces to pg
-- requires: schema/roles
-- requires: schema/extensions

-- Three schemas: the face that apps use, the mirror, and the machinery. Nothing in them is open to
-- PUBLIC, and nothing made later by the owner will be: EXECUTE is revoked by default.

BEGIN;

CREATE SCHEMA anime AUTHORIZATION jikan_owner;
CREATE SCHEMA jikan AUTHORIZATION jikan_owner;
CREATE SCHEMA jikan_sync AUTHORIZATION jikan_owner;

SET LOCAL ROLE jikan_owner;

COMMENT ON SCHEMA anime IS
'The face: functions and views that apps use (role `anime_reader`).';
COMMENT ON SCHEMA jikan IS
'The mirror: anime and their children as received from a Jikan v4 API, and their vectors.';
COMMENT ON SCHEMA jikan_sync IS
'The machinery: queue, freshness, upstream, jobs, settings (roles `jikan_sidecar` and owner).';

ALTER DEFAULT PRIVILEGES FOR ROLE jikan_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE jikan_owner REVOKE USAGE ON TYPES FROM PUBLIC;

GRANT USAGE ON SCHEMA anime TO anime_reader;
GRANT USAGE ON SCHEMA jikan_sync TO jikan_sidecar;

COMMIT;
