-- Revert pgjikan:schema/roles from pg

-- The roles stay: another database of the cluster may use them, and roles hold no data.

BEGIN;

DO $$
BEGIN
    EXECUTE format('REVOKE CREATE ON DATABASE %I FROM jikan_owner', current_database());
END;
$$;

COMMIT;
