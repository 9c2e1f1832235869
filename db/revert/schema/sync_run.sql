-- Revert pgjikan:schema/sync_run from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DELETE FROM jikan_sync.setting
WHERE name = 'sync_pages_max';
DROP TABLE jikan_sync.sync_run;

COMMIT;
