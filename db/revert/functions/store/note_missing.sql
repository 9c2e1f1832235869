-- Revert pgjikan:functions/store/note_missing from pg

BEGIN;

DROP FUNCTION jikan_sync.confirm_missing();
DROP FUNCTION jikan_sync.note_missing(integer);

COMMIT;
