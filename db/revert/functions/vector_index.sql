-- Revert pgjikan:functions/vector_index from pg

BEGIN;

DROP FUNCTION jikan_sync.check_recall(integer);

DROP FUNCTION jikan_sync.maintain_vector_index();

DROP TABLE jikan_sync.recall_check;

DELETE FROM jikan_sync.setting
WHERE name = 'vector_index_rows';

COMMIT;
