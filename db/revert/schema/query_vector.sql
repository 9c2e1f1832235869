-- Revert pgjikan:schema/query_vector from pg

BEGIN;

DELETE FROM jikan_sync.setting
WHERE name = 'query_vector_limit';

DROP TABLE jikan_sync.query_vector;

COMMIT;
