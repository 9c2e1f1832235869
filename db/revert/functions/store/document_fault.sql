-- Revert pgjikan:functions/store/document_fault from pg

BEGIN;

DROP FUNCTION jikan_sync.document_mal_id(jsonb);
DROP FUNCTION jikan_sync.document_fault(jsonb);
DROP FUNCTION jikan_sync.fits_field(jsonb, text[]);

COMMIT;
