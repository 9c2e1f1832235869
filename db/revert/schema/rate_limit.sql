-- Revert pgjikan:schema/rate_limit from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DELETE FROM jikan_sync.setting
WHERE name IN ('rate_jitter', 'rate_headroom', 'rate_pause', 'rate_recovery', 'rate_pace_min');
DROP TABLE jikan_sync.rate_limit;

COMMIT;
