-- Revert pgjikan:schema/lost_part from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP TABLE jikan_sync.lost_part;

COMMIT;
