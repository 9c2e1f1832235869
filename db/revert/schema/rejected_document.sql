-- Revert pgjikan:schema/rejected_document from pg

BEGIN;

DROP FUNCTION jikan_sync.reject_document(text, integer, text, text);
DROP TABLE jikan_sync.rejected_document;

COMMIT;
