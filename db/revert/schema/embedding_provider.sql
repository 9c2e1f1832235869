-- Revert pgjikan:schema/embedding_provider from pg

BEGIN;

DROP TABLE jikan_sync.embedding_provider;

COMMIT;
