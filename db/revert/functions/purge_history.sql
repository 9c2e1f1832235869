-- Revert pgjikan:functions/purge_history from pg

BEGIN;

DROP FUNCTION jikan_sync.purge_history();
DELETE FROM jikan_sync.setting
WHERE name = 'history_retention';

COMMIT;
