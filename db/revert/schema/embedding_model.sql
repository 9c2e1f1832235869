-- Revert pgjikan:schema/embedding_model from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DELETE FROM jikan_sync.setting
WHERE name IN ('embedding_low_priority', 'embedding_high_limit', 'embedding_switch_coverage');

DROP TABLE jikan.embedding_model;

COMMIT;
