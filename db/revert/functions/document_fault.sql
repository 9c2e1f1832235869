-- Revert pgjikan:functions/document_fault from pg

BEGIN;

DROP FUNCTION jikan_sync.json_list(jsonb);
DROP FUNCTION jikan_sync.document_mal_id(jsonb);
DROP FUNCTION jikan_sync.document_fault(jsonb);

COMMIT;
