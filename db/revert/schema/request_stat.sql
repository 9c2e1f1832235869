-- Revert pgjikan:schema/request_stat from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP TABLE jikan_sync.request_stat;

COMMIT;
