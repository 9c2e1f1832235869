-- Verify pgjikan:schema/roles on pg

BEGIN;

DO $$
BEGIN
    ASSERT pg_catalog.pg_has_role(current_user, 'jikan_owner', 'SET'),
        'the deploying role cannot SET ROLE jikan_owner';
    ASSERT NOT (SELECT bool_or(rolcanlogin) FROM pg_catalog.pg_roles
                WHERE rolname IN ('jikan_owner', 'jikan_sidecar', 'anime_reader')),
        'a role of pgjikan can log in';
END;
$$;

ROLLBACK;
