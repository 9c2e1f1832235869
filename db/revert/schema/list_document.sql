-- Revert pgjikan:schema/list_document from pg

BEGIN;

DROP TABLE jikan.list_document;

COMMIT;
