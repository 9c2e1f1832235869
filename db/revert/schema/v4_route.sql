-- Revert pgjikan:schema/v4_route from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DELETE FROM jikan_sync.setting
WHERE name IN ('v4_wait', 'v4_keep');
DROP TYPE anime.v4_response;
DROP TYPE jikan_sync.v4_answer;
DROP TYPE jikan_sync.v4_request;
DROP TABLE jikan_sync.v4_parameter;
DROP TABLE jikan_sync.v4_word;
DROP TABLE jikan_sync.v4_message;
DROP TABLE jikan_sync.v4_route;

COMMIT;
