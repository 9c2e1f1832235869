-- Revert pgjikan:schema/embedding from pg

BEGIN;

DROP TABLE jikan.embedding;

COMMIT;
