-- Revert pgjikan:schema/mutex from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP TABLE jikan_sync.mutex;

COMMIT;
