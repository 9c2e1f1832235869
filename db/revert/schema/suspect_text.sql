-- Revert pgjikan:schema/suspect_text from pg

BEGIN;

DROP TABLE jikan_sync.suspect_text;

COMMIT;
