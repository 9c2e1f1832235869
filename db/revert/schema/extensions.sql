-- Revert pgjikan:schema/extensions from pg

-- The extensions stay: others in this database may use them.

BEGIN;

COMMIT;
