-- Revert pgjikan:schema/retry_policy from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.heeded(interval);
DELETE FROM jikan_sync.setting
WHERE name = 'rate_pause_max';
DROP TABLE jikan_sync.retry_policy;

COMMIT;
