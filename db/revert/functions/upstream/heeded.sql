-- Revert pgjikan:functions/upstream/heeded from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.heeded(interval);
DELETE FROM jikan_sync.setting
WHERE name = 'rate_pause_max';

COMMIT;
