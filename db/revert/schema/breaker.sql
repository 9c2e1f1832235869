-- Revert pgjikan:schema/breaker from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DELETE FROM jikan_sync.setting
WHERE name IN (
    'breaker_failures',
    'breaker_window',
    'breaker_probe_after',
    'breaker_probe_timeout',
    'upstream_patience'
);
DROP TABLE jikan_sync.breaker_failure;
DROP TABLE jikan_sync.breaker;

COMMIT;
