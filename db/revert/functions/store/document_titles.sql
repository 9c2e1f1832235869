-- Revert pgjikan:functions/store/document_titles from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.document_titles(jsonb, text, text, text, text[]);

COMMIT;
