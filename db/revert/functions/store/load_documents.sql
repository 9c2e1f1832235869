-- Revert pgjikan:functions/store/load_documents from pg

BEGIN;

DROP FUNCTION jikan_sync.analyze_mirror();
DROP FUNCTION jikan_sync.load_documents(text, timestamptz);
DROP FUNCTION jikan_sync.line_faults(text);
DROP FUNCTION jikan_sync.is_json(text);
DROP FUNCTION jikan_sync.documents_in(jsonb);

COMMIT;
