-- Revert pgjikan:schema/anime_document from pg

BEGIN;

DROP TABLE jikan_sync.document_field;
DROP TYPE jikan_sync.anime_document;

COMMIT;
