-- Revert pgjikan:functions/freshness_request from pg

BEGIN;

DROP FUNCTION jikan_sync.request_facets(integer);
DROP FUNCTION jikan_sync.request_refresh(integer[], integer);
DROP FUNCTION jikan_sync.request_task(text, integer, text);
DROP FUNCTION jikan_sync.needs_task(text, integer, text);
DELETE FROM jikan_sync.setting
WHERE name = 'dead_letter_pause';

COMMIT;
