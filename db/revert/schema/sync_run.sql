-- Revert pgjikan:schema/sync_run from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DELETE FROM jikan_sync.setting
WHERE name IN ('sync_pages_max', 'sync_resume_after', 'sync_shortage');
DROP TABLE jikan_sync.sync_run_title;
DROP TABLE jikan_sync.sync_run;

COMMIT;
