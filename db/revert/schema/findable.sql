-- Revert pgjikan:schema/findable from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP VIEW jikan_sync.findable;

COMMIT;
