-- Revert pgjikan:functions/load_documents from pg

BEGIN;

DROP FUNCTION jikan_sync.analyze_mirror();
DROP FUNCTION jikan_sync.load_documents(text, timestamptz);

COMMIT;
