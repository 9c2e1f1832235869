-- Revert pgjikan:schema/search_request from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DELETE FROM jikan_sync.setting
WHERE name IN (
    'search_interval',
    'search_outage_interval',
    'search_learned_for',
    'search_per_minute',
    'search_per_hour'
);
DROP TABLE jikan_sync.search_request;

COMMIT;
