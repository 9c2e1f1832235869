-- Revert pgjikan:schema/query_vector from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DELETE FROM jikan_sync.setting
WHERE name = 'query_vector_limit';

DROP TABLE jikan_sync.query_vector;

COMMIT;
