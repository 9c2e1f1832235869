-- Revert pgjikan:functions/jobs/purge_history from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.purge_history();
DELETE FROM jikan_sync.setting
WHERE name = 'history_retention';

COMMIT;
